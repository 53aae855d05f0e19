import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { RequestFailed } from './client.ts';
import { answerMs, firstAnswerMs, withTimeLimit } from './time-limit.ts';

export interface Polled<T> {
  /** The latest value. It remains when a later request fails. */
  value: T | undefined;
  /** The time at which `value` arrived, in ms since 1970. */
  at: number | undefined;
  failure: RequestFailed | undefined;
  reload(): void;
}

const nothing = { value: undefined, at: undefined, failure: undefined };

/** Loads a value at once, again when `key` changes, and repeatedly while the page is visible. */
export function usePolled<T>(
  key: string,
  load: (signal: AbortSignal) => Promise<T>,
  intervalMs: (value: T | undefined) => number | undefined = () => undefined,
): Polled<T> {
  const [state, setState] = useState<Omit<Polled<T>, 'reload'>>(nothing);
  const [round, setRound] = useState(0);
  const latest = useRef({ load, intervalMs });
  latest.current = { load, intervalMs };

  useEffect(() => {
    const gone = new AbortController();
    let timer: number | undefined;
    const again = (value: T | undefined) => {
      const wait = latest.current.intervalMs(value);
      if (wait !== undefined && !gone.signal.aborted) timer = window.setTimeout(look, wait);
    };
    let last: T | undefined;
    const look = async () => {
      if (document.hidden && last !== undefined) return again(last);
      try {
        const limitMs = last === undefined ? firstAnswerMs : answerMs;
        last = await withTimeLimit(limitMs, gone.signal, (signal) => latest.current.load(signal));
        if (!gone.signal.aborted) setState({ value: last, at: Date.now(), failure: undefined });
      } catch (error) {
        if (!gone.signal.aborted) setState((known) => ({ ...known, failure: error as RequestFailed }));
      }
      again(last);
    };
    void look();
    return () => {
      gone.abort();
      clearTimeout(timer);
    };
  }, [key, round]);

  return { ...state, reload: useCallback(() => setRound((count) => count + 1), []) };
}
