/** Unfinished work, by key. Callers of the same work share one execution. */
export interface InFlight<Value> {
  has(key: string): boolean;
  /**
   * Waits for unfinished work with this key, or starts it.
   * @param work gets a signal that aborts when no caller waits any more.
   * @param signal ends the wait of this caller.
   * @throws the error of the work; the reason of `signal` when it aborts first.
   */
  join(key: string, work: (signal: AbortSignal) => Promise<Value>, signal: AbortSignal | undefined): Promise<Value>;
}

interface Running<Value> {
  value: Promise<Value>;
  callers: number;
  abort: AbortController;
}

export function createInFlight<Value>(): InFlight<Value> {
  const all = new Map<string, Running<Value>>();

  function start(key: string, work: (signal: AbortSignal) => Promise<Value>): Running<Value> {
    const abort = new AbortController();
    const value = work(abort.signal).finally(() => forget(key, running));
    // Prevents an unhandled rejection when no caller waits any more.
    value.catch(() => {});
    const running: Running<Value> = { value, callers: 0, abort };
    all.set(key, running);
    return running;
  }

  function forget(key: string, running: Running<Value>): void {
    if (all.get(key) === running) all.delete(key);
  }

  return {
    has: (key) => all.has(key),
    async join(key, work, signal) {
      const running = all.get(key) ?? start(key, work);
      running.callers++;
      if (signal === undefined) return await running.value;
      const { promise: left, reject } = Promise.withResolvers<never>();
      const leave = () => {
        reject(signal.reason);
        if (--running.callers > 0) return;
        forget(key, running);
        running.abort.abort(signal.reason);
      };
      if (signal.aborted) leave();
      else signal.addEventListener('abort', leave, { once: true });
      try {
        return await Promise.race([running.value, left]);
      } finally {
        signal.removeEventListener('abort', leave);
      }
    },
  };
}
