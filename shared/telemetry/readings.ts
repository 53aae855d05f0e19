import { setTimeout as delay } from 'node:timers/promises';
import type { CounterName, GaugeName, LabelsOf } from './instruments.ts';

type ReadingOf<Name extends CounterName | GaugeName> = Name extends unknown
  ? { name: Name; labels: LabelsOf<Name>; value: number }
  : never;

/** The current value of a metric that comes from elsewhere, such as Redis or a pool of processes. */
export type Reading = ReadingOf<CounterName | GaugeName>;

export interface Reader {
  read(): Reading[] | Promise<Reading[]>;
  /** The time in ms for which scrapes reuse the values. Default: 0. */
  freshMs?: number;
}

/** The maximum time in ms that a scrape waits for a reader. Prometheus waits ten seconds for the whole scrape. */
const patienceMs = 2_000;

/**
 * Collects the values of reader functions at each scrape. The values of a reader that fails or is late are left out:
 * old values would look current.
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
