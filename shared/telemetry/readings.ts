import { setTimeout as delay } from 'node:timers/promises';
import type { CounterName, GaugeName, LabelsOf } from './instruments.ts';

type ReadingOf<Name extends CounterName | GaugeName> = Name extends unknown
  ? { name: Name; labels: LabelsOf<Name>; value: number }
  : never;

/**
 * The current value of a metric that this module does not count itself. The value comes from Redis or from a pool of
 * processes.
 */
export type Reading = ReadingOf<CounterName | GaugeName>;

export interface Reader {
  read(): Reading[] | Promise<Reading[]>;
  /**
   * The time in ms for which scrapes use the same values of this reader. By default, each scrape calls the reader
   * again.
   */
  freshMs?: number;
}

/**
 * The maximum time in ms that a scrape waits for a reader function. Prometheus waits for ten seconds for the whole
 * scrape.
 */
const patienceMs = 2_000;

/**
 * Calls reader functions at each scrape and collects their values. A reader may fail or hang, and several readers may
 * run at the same time. A scrape leaves out the values of a reader that fails or is late: old values would look like
 * current ones.
 */
export function createReaders() {
  const asks: (() => Promise<Reading[]>)[] = [];
  return {
    add(reader: Reader): void {
      let reading: Promise<Reading[]> | undefined;
      let known: Reading[] = [];
      let knownAt = Number.NEGATIVE_INFINITY;
      asks.push(async () => {
        if (performance.now() - knownAt < (reader.freshMs ?? 0)) return known;
        // A reader that hangs is not called again until it has answered.
        reading ??= (async () => reader.read())()
          .then((readings) => {
            known = readings;
            knownAt = performance.now();
            return readings;
          })
          .finally(() => {
            reading = undefined;
          });
        return await reading;
      });
    },
    async read(): Promise<Reading[]> {
      const patience = new AbortController();
      const late = delay(patienceMs, [], { signal: patience.signal, ref: false }).catch(() => []);
      const read = await Promise.all(asks.map((ask) => Promise.race([ask().catch(() => []), late])));
      patience.abort();
      return read.flat();
    },
  };
}
