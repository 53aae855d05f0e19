import { useEffect, useRef } from 'preact/hooks';
import type { HashQuery } from '../../shell/hash-query.ts';

/** Columns of the input that are shown when the user has chosen none. */
const shownFirst = 2;

export function shownColumns(asked: string[] | undefined, known: Record<string, unknown> | undefined): string[] {
  return asked ?? Object.keys(known ?? {}).slice(0, shownFirst);
}

export function ColumnsMenu({
  known,
  shown,
  set,
}: {
  known: Record<string, unknown> | undefined;
  shown: string[];
  set: HashQuery['set'];
}) {
  const menu = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const onOutside = ({ target }: Event) => {
      if (menu.current !== null && !menu.current.contains(target as Node)) menu.current.open = false;
    };
    const events = ['pointerdown', 'focusin'] as const;
    for (const name of events) addEventListener(name, onOutside);
    return () => {
      for (const name of events) removeEventListener(name, onOutside);
    };
  }, []);
  const names = Object.keys(known ?? {});
  if (names.length === 0) return null;
  const change = (name: string, isShown: boolean) => {
    const next = names.filter((each) => (each === name ? isShown : shown.includes(each)));
    // A single comma in the URL means no column.
    set({ columns: next.length === 0 ? ',' : next.join(',') });
  };
  return (
    <details
      ref={menu}
      class="menu"
      onKeyDown={({ key, currentTarget }) => {
        if (key !== 'Escape') return;
        currentTarget.open = false;
        currentTarget.querySelector('summary')?.focus();
      }}
    >
      <summary>Columns</summary>
      <div class="menu-items">
        {names.map((name) => (
          <label key={name} class="check">
            <input
              type="checkbox"
              checked={shown.includes(name)}
              onChange={(event) => change(name, event.currentTarget.checked)}
            />
            {name}
          </label>
        ))}
      </div>
    </details>
  );
}
