import { availableParallelism } from 'node:os';
import type { Provider } from '../model.ts';
import { createFloor } from './floor.ts';

/** Pictures being decoded, a few at a time. */
export interface DecodeQueue {
  /** Runs a task in its turn, or at once when it is interactive. @returns its value and how long it took once it had begun. */
  run<Value>(interactive: boolean, task: () => Promise<Value>): Promise<{ value: Value; ms: number }>;
  isBusy(): boolean;
}

/**
 * Decodes on libvips' threads, as many pictures at a time as the next run takes: a run blocks this process, and what was
 * not handed to libvips before it cannot be decoded beside it. A GPU waits for all cores there are. An interactive
 * picture begins at once, and no other beside it: what shares its core makes it late. Where there always is one, what a
 * batch run takes begins once a second all the same.
 * @param nextRun how many pictures the next batch run may take.
 */
export function createDecodeQueue(
  provider: Provider,
  threads: number,
  nextRun: () => number,
  now = () => performance.now(),
): DecodeQueue {
  const least = provider === 'cpu' ? threads + 1 : availableParallelism();
  const bulk: { at: number; start(): void }[] = [];
  const floor = createFloor(now);
  let active = 0;
  let activeInteractive = 0;

  function places(): number {
    if (activeInteractive === 0) return Math.max(least, nextRun()) - active;
    return floor.isDue(bulk[0]?.at) ? nextRun() : 0;
  }

  function startNext(): void {
    for (let left = places(); left > 0; left--) {
      const next = bulk.shift();
      if (next === undefined) return;
      active++;
      floor.hadTurn();
      next.start();
    }
  }

  return {
    async run(first, task) {
      if (first) {
        active++;
        activeInteractive++;
      } else {
        await new Promise<void>((start) => {
          bulk.push({ at: now(), start });
          startNext();
        });
      }
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
