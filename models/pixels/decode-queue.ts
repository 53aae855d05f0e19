import { availableParallelism } from 'node:os';
import type { Caller } from '../encoder/protocol.ts';
import { createFloor } from '../floor.ts';
import type { Provider } from '../model.ts';
import { createProcessorUse, type ProcessorUse } from '../processor-use.ts';
import { createLargePlaces } from './large-places.ts';

/** Images that wait to be decoded. A few are decoded at the same time. */
export interface DecodeQueue {
  /**
   * Runs a task when it may decode its image: at once for an interactive caller.
   * @param task receives the caller with a `takeLargePlace`, which grants permission to decode a large image.
   * @returns the task's result, and its duration in ms without the wait for that permission.
   * @throws the reason of the caller's signal, when it aborts before the task begins.
   */
  run<Value>(caller: Caller, task: (caller: Caller) => Promise<Value>): Promise<{ value: Value; ms: number }>;
  isBusy(): boolean;
}

export interface DecodeQueueOptions {
  provider: Provider;
  threads: number;
  /** Returns the maximum number of images in the next batch run. */
  nextRun: () => number;
  use?: ProcessorUse;
  now?: () => number;
}

interface Waiter {
  tenant: string;
  at: number;
  start(): void;
}

/**
 * A tenant without work for this many ms counts as idle. Must exceed an inference run between two images of a batch.
 */
const idleMs = 250;

/** From this duration in ms, decoding is reported as slow. An interlaced PNG of 49 megapixels takes 1.5 s. */
export const slowDecodeMs = 10_000;

/**
 * Creates a queue. At the same time, it decodes the batch images of the next inference run, but at least `threads` + 1,
 * or with a GPU as many as cores.
 *
 * An interactive image starts at once and holds back batch images, because both would share a core. It does not hold
 * back tenants for which {@link ProcessorUse.givesWay} is true, so one tenant's requests cannot stop another's batches.
 * Under constant interactive load, batch images for one run start once a second.
 *
 * The tenant with the least processor time comes first. At the maximum, a tenant without an image in decoding may still
 * start one, up to twice the maximum. Large images have their own limit.
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
  /** Images in decoding by tenant, without large images. */
  const held = { batch: new Map<string, number>(), interactive: new Map<string, number>() };
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

  /** Returns true when this tenant's batch images must wait for interactive images. */
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

  /** Returns the oldest image of each tenant: least processor time first, then fewest images in decoding. */
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
      const { interactive, tenant = '', signal, onSlowDecode } = caller;
      let end = () => {};
      const beginNow = () => {
        end = begin(tenant, interactive);
      };
      if (interactive) beginNow();
      else await turnOf(tenant, signal, beginNow);
      const start = now();
      let waitedMs = 0;
      let slow: NodeJS.Timeout | undefined;
      const watch = () => {
        if (onSlowDecode) slow = setTimeout(onSlowDecode, slowDecodeMs);
      };
      const takeLargePlace = async (ending = signal) => {
        end();
        clearTimeout(slow);
        const asked = now();
        const release = await large.take({ interactive, tenant, signal: ending });
        waitedMs += now() - asked;
        watch();
        return release;
      };
      watch();
      try {
        return { value: await task({ ...caller, takeLargePlace }), ms: now() - start - waitedMs };
      } finally {
        clearTimeout(slow);
        end();
      }
    },
    isBusy: () => held.batch.size + held.interactive.size > 0 || large.isBusy(),
  };
}
