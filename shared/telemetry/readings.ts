import { setTimeout as delay } from 'node:timers/promises';
import type { CounterName, GaugeName, LabelsOf } from './instruments.ts';

type ReadingOf<Name extends CounterName | GaugeName> = Name extends unknown
  ? { name: Name; labels: LabelsOf<Name>; value: number }
  : never;

/** The present value of a metric whose truth is elsewhere: in Redis, in a pool of processes. */
export type Reading = ReadingOf<CounterName | GaugeName>;

export interface Reader {
  read(): Reading[] | Promise<Reading[]>;
  /** Several who scrape share one look within this time, in milliseconds. Default: each looks. */
  freshMs?: number;
}

/** Longest time that one scrape waits for a reader, in milliseconds; Prometheus itself waits for ten seconds. */
const patienceMs = 2_000;

/**
 * Readers that may fail, hang and be asked by several at once: a scrape gets what can be had in time. One that fails or
 * is late is left out, as an old value would look like a new one.
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
        // One that hangs is not asked again before it has answered.
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
