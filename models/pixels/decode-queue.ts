import { availableParallelism } from 'node:os';
import type { Caller } from '../encoder/protocol.ts';
import { createFloor } from '../floor.ts';
import type { Provider } from '../model.ts';

/** Images that wait to be decoded, a few at a time. */
export interface DecodeQueue {
  /**
   * Runs a task in its turn, or at once when it is interactive.
   * @returns its value, and the milliseconds that it took once it had begun.
   * @throws the reason of the caller's signal, when it aborts before the task begins.
   */
  run<Value>(caller: Caller, task: () => Promise<Value>): Promise<{ value: Value; ms: number }>;
  isBusy(): boolean;
}

/**
 * Decodes on libvips' threads, as many pictures at a time as the next run takes: a run blocks this process, and what was
 * not handed to libvips before it cannot be decoded beside it. A GPU waits for all cores there are. An interactive
 * picture begins at once, and no other beside it: what shares its core makes it late. Where there always is one, what a
 * batch run takes begins once a second all the same.
 * Images of batches begin in fair order of their tenants. A tenant without one begins one though others hold all places,
 * up to twice the places: large images of one tenant must not hold up small ones of another.
 * @param nextRun how many pictures the next batch run may take.
 */
export function createDecodeQueue(
  provider: Provider,
  threads: number,
  nextRun: () => number,
  now = () => performance.now(),
): DecodeQueue {
  const least = provider === 'cpu' ? threads + 1 : availableParallelism();
  const bulk: { at: number; tenant: string; start(): void }[] = [];
  /** Images of batches that are being decoded, by tenant. */
  const held = new Map<string, number>();
  const floor = createFloor(now);
  let active = 0;
  let activeInteractive = 0;

  const heldBy = (tenant: string) => held.get(tenant) ?? 0;

  function places(): number {
    if (activeInteractive === 0) return Math.max(least, nextRun()) - active;
    return floor.isDue(bulk[0]?.at) ? nextRun() : 0;
  }

  /** The oldest image of the tenant that has the fewest in decoding. */
  function nextInTurn(): number {
    let best = 0;
    for (const [at, { tenant }] of bulk.entries()) {
      if (heldBy(tenant) < heldBy(bulk[best]?.tenant ?? '')) best = at;
    }
    return best;
  }

  function startNext(): void {
    for (let left = places(); bulk.length > 0; left--) {
      const at = nextInTurn();
      const next = bulk[at];
      if (next === undefined) return;
      const isGuaranteed =
        activeInteractive === 0 && heldBy(next.tenant) === 0 && active < 2 * Math.max(least, nextRun());
      if (left <= 0 && !isGuaranteed) return;
      bulk.splice(at, 1);
      active++;
      held.set(next.tenant, heldBy(next.tenant) + 1);
      floor.hadTurn();
      next.start();
    }
  }

  async function turnOf(tenant: string, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        bulk.splice(bulk.indexOf(entry), 1);
        reject(signal?.reason);
      };
      const entry = {
        at: now(),
        tenant,
        start() {
          signal?.removeEventListener('abort', leave);
          resolve();
        },
      };
      signal?.addEventListener('abort', leave, { once: true });
      bulk.push(entry);
      startNext();
    });
  }

  function end(tenant: string, first: boolean): void {
    active--;
    if (first) activeInteractive--;
    else if (heldBy(tenant) > 1) held.set(tenant, heldBy(tenant) - 1);
    else held.delete(tenant);
    startNext();
  }

  return {
    async run({ interactive: first, tenant = '', signal }, task) {
      if (first) {
        active++;
        activeInteractive++;
      } else await turnOf(tenant, signal);
      const start = performance.now();
      try {
        return { value: await task(), ms: performance.now() - start };
      } finally {
        end(tenant, first);
      }
    },
    isBusy: () => active > 0,
  };
}
