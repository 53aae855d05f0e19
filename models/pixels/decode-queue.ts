import { availableParallelism } from 'node:os';
import type { Caller } from '../encoder/protocol.ts';
import { createFloor } from '../floor.ts';
import type { Provider } from '../model.ts';
import { createProcessorUse, type ProcessorUse } from '../processor-use.ts';
import { createLargePlaces } from './large-places.ts';

/** Images that wait to be decoded, a few at a time. */
export interface DecodeQueue {
  /**
   * Runs a task in its turn, or at once when it is interactive.
   * @param task decodes for the caller that it is given, which has places for large images.
   * @returns its value, and the milliseconds that it took once it had begun, without those of waiting for such a place.
   * @throws the reason of the caller's signal, when it aborts before the task begins.
   */
  run<Value>(caller: Caller, task: (caller: Caller) => Promise<Value>): Promise<{ value: Value; ms: number }>;
  isBusy(): boolean;
}

export interface DecodeQueueOptions {
  provider: Provider;
  /** Threads of a run. */
  threads: number;
  /** How many images the next batch run may take. */
  nextRun: () => number;
  /** Time that tenants have used the processor of this process; decoding is added to it. */
  use?: ProcessorUse;
  now?: () => number;
}

interface Waiter {
  tenant: string;
  at: number;
  start(): void;
}

/** A tenant without work for this time, in milliseconds, has none: between two images of a batch is a run. */
const idleMs = 250;

/**
 * Decodes on libvips' threads, as many images at a time as the next run takes: a run blocks this process, and what was
 * not handed to libvips before it cannot be decoded during it. A GPU waits for all cores there are.
 *
 * An interactive image begins at once, and no batch image begins until it has ended: what shares its core makes it late.
 * A batch image of another tenant does not wait where the requests have used more than half of the processor, and more
 * than that tenant: requests of one tenant must not stop the batches of another. Where there always is an interactive image, what a batch run takes begins once a
 * second all the same.
 *
 * Of batches the next image is that of the tenant with the least use. A tenant without one in decoding begins one though
 * others have all places, up to twice the places. Large images have places of their own.
 */
export function createDecodeQueue({
  provider,
  threads,
  nextRun,
  now = () => performance.now(),
  use = createProcessorUse(undefined, now),
}: DecodeQueueOptions): DecodeQueue {
  const least = provider === 'cpu' ? threads + 1 : availableParallelism();
  const bulk = new Set<Waiter>();
  /** Images in decoding, by tenant; large ones are not counted. */
  const held = { batch: new Map<string, number>(), interactive: new Map<string, number>() };
  /** When the last image of each tenant ended. */
  const endedAt = new Map<string, number>();
  const floor = createFloor(now);
  let activeOfBatches = 0;
  const large = createLargePlaces({ use, isContested: (tenant) => hasWorkOfOthers(tenant), now });

  const heldBy = (tenant: string) => held.batch.get(tenant) ?? 0;
  const places = () => Math.max(least, nextRun());

  function hasWorkOfOthers(tenant: string): boolean {
    for (const [other, at] of endedAt) {
      if (now() - at >= idleMs) endedAt.delete(other);
      else if (other !== tenant) return true;
    }
    const others = [...held.batch.keys(), ...held.interactive.keys(), ...[...bulk].map((image) => image.tenant)];
    return others.some((other) => other !== tenant);
  }

  /** Returns whether an interactive image goes before those of this tenant's batches. */
  function isHeldBack(tenant: string): boolean {
    for (const other of held.interactive.keys()) {
      if (other === tenant || !use.givesWay(other, tenant)) return true;
    }
    return false;
  }

  function mayBegin(tenant: string): boolean {
    if (isHeldBack(tenant)) return false;
    return activeOfBatches < places() || (heldBy(tenant) === 0 && activeOfBatches < 2 * places());
  }

  /** The oldest image of each tenant, first that of the tenant with the least use, then with the fewest in decoding. */
  function heads(): Waiter[] {
    const first = new Map<string, Waiter>();
    for (const image of bulk) if (!first.has(image.tenant)) first.set(image.tenant, image);
    const order = [...first.values()].map((image) => ({ image, used: use.all.of(image.tenant) }));
    order.sort((a, b) => a.used - b.used || heldBy(a.image.tenant) - heldBy(b.image.tenant));
    return order.map(({ image }) => image);
  }

  function startNext(): void {
    const [oldest] = bulk;
    let due = floor.isDue(oldest?.at) ? nextRun() : 0;
    for (;;) {
      const inOrder = heads();
      let next = inOrder.find(({ tenant }) => mayBegin(tenant));
      if (next === undefined && due > 0) {
        due--;
        next = inOrder.find(({ tenant }) => isHeldBack(tenant));
      }
      if (next === undefined) return;
      bulk.delete(next);
      floor.hadTurn();
      next.start();
    }
  }

  async function turnOf(tenant: string, signal: AbortSignal | undefined, begin: () => void): Promise<void> {
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        bulk.delete(image);
        reject(signal?.reason);
      };
      const image: Waiter = {
        tenant,
        at: now(),
        start() {
          signal?.removeEventListener('abort', leave);
          begin();
          resolve();
        },
      };
      signal?.addEventListener('abort', leave, { once: true });
      bulk.add(image);
      startNext();
    });
  }

  /** @returns ends it. */
  function begin(tenant: string, interactive: boolean): () => void {
    const of = interactive ? held.interactive : held.batch;
    if (!interactive) activeOfBatches++;
    of.set(tenant, (of.get(tenant) ?? 0) + 1);
    const endUse = use.begin(tenant, interactive);
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      if (!interactive) activeOfBatches--;
      const left = (of.get(tenant) ?? 1) - 1;
      if (left > 0) of.set(tenant, left);
      else of.delete(tenant);
      endUse();
      endedAt.delete(tenant);
      endedAt.set(tenant, now());
      startNext();
    };
  }

  return {
    async run(caller, task) {
      const { interactive, tenant = '', signal } = caller;
      let end = () => {};
      const beginNow = () => {
        end = begin(tenant, interactive);
      };
      if (interactive) beginNow();
      else await turnOf(tenant, signal, beginNow);
      const start = now();
      let waitedMs = 0;
      const takeLargePlace = async (ending = signal) => {
        end();
        const asked = now();
        const release = await large.take({ interactive, tenant, signal: ending });
        waitedMs += now() - asked;
        return release;
      };
      try {
        return { value: await task({ ...caller, takeLargePlace }), ms: now() - start - waitedMs };
      } finally {
        end();
      }
    },
    isBusy: () => held.batch.size + held.interactive.size > 0 || large.isBusy(),
  };
}
