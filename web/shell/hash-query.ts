import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import type { QueryChanges } from './query.ts';

/** The event that the page sends when it changes the query without a history entry. Browsers then send no event. */
const changed = 'hashquerychange';

/** Returns the query in the hash of the URL, such as `threshold=28` in `#/batches/1?threshold=28`. */
const textInHash = (): string => location.hash.split('?')[1] ?? '';

export const queryInHash = (): URLSearchParams => new URLSearchParams(textInHash());

/** Returns the hash of the current view with a changed query. */
export function hashWith(changes: QueryChanges): string {
  const query = queryInHash();
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === '') query.delete(name);
    else query.set(name, value);
  }
  const [path = ''] = location.hash.split('?', 1);
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}

export interface HashQuery {
  query: URLSearchParams;
  /** Changes the query without a history entry. Otherwise a moving slider would fill the history. */
  set(changes: QueryChanges): void;
}

/**
 * Reads and changes the query in the hash of the URL. There, the state of a view survives a reload and can be shared.
 */
export function useHashQuery(): HashQuery {
  const [text, setText] = useState(textInHash);
  useEffect(() => {
    const follow = () => setText(textInHash());
    follow();
    for (const event of ['hashchange', changed]) addEventListener(event, follow);
    return () => {
      for (const event of ['hashchange', changed]) removeEventListener(event, follow);
    };
  }, []);
  const set = useCallback((changes: QueryChanges) => {
    history.replaceState(null, '', hashWith(changes));
    dispatchEvent(new Event(changed));
  }, []);
  return { query: useMemo(() => new URLSearchParams(text), [text]), set };
}
