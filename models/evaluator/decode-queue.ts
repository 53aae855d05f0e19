import { availableParallelism } from 'node:os';
import type { Provider } from '../model.ts';

/** Pictures being decoded, a few at a time. */
export interface DecodeQueue {
  /** Runs a task in its turn, interactive ones first. @returns its value and how long it took once it had begun. */
  run<Value>(interactive: boolean, task: () => Promise<Value>): Promise<{ value: Value; ms: number }>;
  isBusy(): boolean;
}

/**
 * How many pictures are decoded at a time, on libvips' threads. On a CPU the evaluators share the cores, and two keep
 * each session fed: decoding is faster than any tower. A GPU waits for all cores there are.
 */
const widthOf = (provider: Provider, threads: number): number =>
  provider === 'cpu' ? threads + 1 : availableParallelism();

/** While an interactive picture is here, no other begins: what shares its core makes it late. */
export function createDecodeQueue(provider: Provider, threads: number): DecodeQueue {
  const width = widthOf(provider, threads);
  const interactive: (() => void)[] = [];
  const bulk: (() => void)[] = [];
  let active = 0;
  let activeInteractive = 0;

  function startNext(): void {
    while (active < width) {
      const start = interactive.shift() ?? (activeInteractive === 0 ? bulk.shift() : undefined);
      if (start === undefined) return;
      start();
    }
  }

  return {
    async run(first, task) {
      await new Promise<void>((resolve) => {
        (first ? interactive : bulk).push(() => {
          active++;
          if (first) activeInteractive++;
          resolve();
        });
        startNext();
      });
      const start = performance.now();
      try {
        return { value: await task(), ms: performance.now() - start };
      } finally {
        active--;
        if (first) activeInteractive--;
        startNext();
      }
    },
    isBusy: () => active > 0,
  };
}
