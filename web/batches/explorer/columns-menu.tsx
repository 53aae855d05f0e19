import { useEffect, useRef } from 'preact/hooks';
import type { HashQuery } from '../../shell/hash-query.ts';
import { columnsToQuery, offeredColumns } from './own-columns.ts';

export function ColumnsMenu({
  known,
  shown,
  set,
}: {
  known: readonly string[];
  shown: readonly string[];
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
  const names = offeredColumns(known, shown);
  if (names.length === 0) return null;
  const change = (name: string, isShown: boolean) => {
    const next = names.filter((each) => (each === name ? isShown : shown.includes(each)));
    set({ columns: columnsToQuery(next) });
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
            {name === '' ? <em class="none">no name</em> : name}
          </label>
        ))}
      </div>
    </details>
  );
}
