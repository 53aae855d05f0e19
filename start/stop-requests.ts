/** The first signal requests a drain, the second an immediate stop. */
export interface StopRequests {
  readonly drain: AbortSignal;
  readonly hard: AbortSignal;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Listens for stop signals until the process ends. The abort reason is the signal's name. */
export function listenForStopRequests(): StopRequests {
  const drain = new AbortController();
  const hard = new AbortController();
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (drain.signal.aborted) hard.abort(signal);
      else drain.abort(signal);
    });
  }
  return { drain: drain.signal, hard: hard.signal };
}
