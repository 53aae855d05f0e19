/** What was asked for by signals: first a drain, then to stop at once. */
export interface StopRequests {
  readonly drain: AbortSignal;
  readonly hard: AbortSignal;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Listens for Ctrl-C and its kin for the rest of this process's life. The abort reason is the signal's name. */
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
