import { useEffect, useState } from 'preact/hooks';

/**
 * A field for a number. It shows `value`, except while the user is typing. Enter, and the end of the focus, replace a
 * number outside the range by the nearest one inside it.
 */
export function NumberField({
  label,
  value,
  min,
  max,
  step: by,
  onChange,
}: {
  label: string;
  value: number;
  min: number;
  max: number;
  step: number | 'any';
  onChange: (value: number) => void;
}) {
  const [typed, setTyped] = useState<string>();
  useEffect(() => {
    if (typed !== undefined && Number(typed) !== value && document.activeElement?.tagName !== 'INPUT')
      setTyped(undefined);
  }, [value]);
  function settle(): void {
    const wanted = Number(typed);
    if (typed !== undefined && typed.trim() !== '' && Number.isFinite(wanted)) {
      const limited = Math.min(max, Math.max(min, wanted));
      if (limited !== wanted) onChange(limited);
    }
    setTyped(undefined);
  }
  return (
    <label class="filter number">
      <span>{label}</span>
      <input
        type="number"
        min={min}
        max={max}
        step={by}
        value={typed ?? value}
        onInput={(event) => {
          const { value: text, valueAsNumber } = event.currentTarget;
          setTyped(text);
          if (valueAsNumber >= min && valueAsNumber <= max) onChange(valueAsNumber);
        }}
        onKeyDown={({ key }) => key === 'Enter' && settle()}
        onBlur={settle}
      />
    </label>
  );
}
