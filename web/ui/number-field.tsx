import { useEffect, useState } from 'preact/hooks';

/** A field for a number. It shows `value`, except while the user is typing. */
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
        onBlur={() => setTyped(undefined)}
      />
    </label>
  );
}
