import { useEffect, useState } from 'preact/hooks';
import type { HashQuery } from '../../shell/hash-query.ts';
import type { ListFilter } from './pages.ts';

/** The choices of the state filter: the name in the URL, and the states in the API. */
const stateFilters: [name: string, states: string][] = [
  ['', ''],
  ['running', 'accepting,queued,running'],
  ['done', 'completed,completed_with_errors'],
  ['done with failures', 'completed_with_errors'],
  ['failed', 'failed'],
  ['cancelled', 'cancelled'],
];

/** The time in ms after the last key press until the list is searched. */
const typingMs = 250;

export const filterOf = (query: URLSearchParams): ListFilter => ({
  states: stateFilters.find(([name]) => name === (query.get('state') ?? ''))?.[1] ?? '',
  search: (query.get('q') ?? '').trim().slice(0, 200),
  tag: query.get('tag') ?? '',
});

export const isFiltered = ({ states, search, tag }: ListFilter): boolean =>
  states !== '' || search !== '' || tag !== '';

export function ListFilters({ query, set }: HashQuery) {
  const search = query.get('q') ?? '';
  const [typed, setTyped] = useState(search);
  useEffect(() => setTyped(search), [search]);
  useEffect(() => {
    if (typed === search) return;
    const timer = setTimeout(() => set({ q: typed }), typingMs);
    return () => clearTimeout(timer);
  }, [typed]);
  const tag = query.get('tag') ?? '';
  return (
    <search class="filters list-filters">
      <label class="filter search">
        <span>Search</span>
        <input
          type="search"
          dir="auto"
          placeholder="Name, tag or id"
          maxLength={200}
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      </label>
      <label class="filter">
        <span>State</span>
        <select value={query.get('state') ?? ''} onChange={(event) => set({ state: event.currentTarget.value })}>
          {stateFilters.map(([name]) => (
            <option key={name} value={name}>
              {name === '' ? 'all' : name}
            </option>
          ))}
        </select>
      </label>
      {tag !== '' && (
        <button
          type="button"
          class="tag chosen"
          aria-label={`Remove the filter by the tag ${tag}`}
          onClick={() => set({ tag: '' })}
        >
          <span dir="auto">{tag}</span> <span aria-hidden="true">×</span>
        </button>
      )}
    </search>
  );
}
