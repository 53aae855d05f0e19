import { useCallback, useEffect, useState } from 'preact/hooks';
import type { RequestFailed } from '../../http/client.ts';
import type { StoredSample } from './labelled-sample.ts';
import { loadSample } from './load-sample.ts';
import { readSample, startSample } from './sample-requests.ts';

export interface LoadedSample {
  /** Undefined while the sample is loading. */
  loaded: { sample: StoredSample | undefined } | undefined;
  failure: RequestFailed | undefined;
  reload(): void;
  /** Shows a sample that this page has begun, or none. */
  show(sample: StoredSample | undefined): void;
}

/** Loads the sample of a batch. */
export function useSample(id: string): LoadedSample {
  const [loaded, setLoaded] = useState<LoadedSample['loaded']>();
  const [failure, setFailure] = useState<RequestFailed>();
  const [round, setRound] = useState(0);
  useEffect(() => {
    const gone = new AbortController();
    setLoaded(undefined);
    setFailure(undefined);
    const requests = {
      read: () => readSample(id, gone.signal),
      start: (start: Parameters<typeof startSample>[1]) => startSample(id, start),
    };
    loadSample(id, requests).then(
      (sample) => {
        if (!gone.signal.aborted) setLoaded({ sample });
      },
      (error) => {
        if (!gone.signal.aborted) setFailure(error as RequestFailed);
      },
    );
    return () => gone.abort();
  }, [id, round]);
  const reload = useCallback(() => setRound((count) => count + 1), []);
  const show = useCallback((sample: StoredSample | undefined) => setLoaded({ sample }), []);
  return { loaded, failure, reload, show };
}
