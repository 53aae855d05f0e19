import type { Caller } from '../encoder/protocol.ts';
import { createProcessorUse, type ProcessorUse } from '../processor-use.ts';

/** Places for images that take much memory, and mostly a second or more, to decode. */
export interface LargePlaces {
  /**
   * Waits for a place.
   * @returns gives it back.
   * @throws the reason of the caller's signal, when it aborts first.
   */
  take(caller: Omit<Caller, 'takeLargePlace'>): Promise<() => void>;
  isBusy(): boolean;
}

export interface LargePlacesOptions {
  /** Where the time of decoding is charged. */
  use: ProcessorUse;
  /** Returns whether other tenants have other work for the same processor. Default: no. */
  isContested?: (tenant: string) => boolean;
  now?: () => number;
}

interface Image {
  interactive: boolean;
  tenant: string;
}
interface Waiter extends Image {
  grant(): void;
}

/** Time between two looks at whether other tenants still have work, while an image waits for that alone, in milliseconds. */
const lookEveryMs = 250;
/** The most that other tenants' work may lengthen a rest, as a share of the time. */
const largestShare = 0.95;
/** An image says nothing about a tenant any more after this many times its own length; no rest is longer. */
const forgottenAfter = 100;

/**
 * Memory bounds the number: one image of batches and one of an interactive request at a time, and a second tenant's
 * interactive one. Fairness bounds the time, since a decoder that has begun cannot be stopped: while other tenants have
 * work, a tenant decodes one large image at a time and rests afterwards, for as long as the others need the processor, or
 * for as long as its image took where one other tenant would need all of it. Interlaced PNGs of 49 megapixels (1.5 s each)
 * of one tenant, as single requests and in batches, made the batch of another take 3.4 times as long.
 */
export function createLargePlaces({
  use,
  isContested = () => false,
  now = () => performance.now(),
}: LargePlacesOptions): LargePlaces {
  const active = new Set<Image>();
  const waiting = new Set<Waiter>();
  /** Of the last large image of each tenant: when it ended, how long it took, in milliseconds, and its kind. */
  const last = new Map<string, { endedAt: number; took: number; interactive: boolean }>();
  let looking: NodeJS.Timeout | undefined;

  const hasMemoryFor = ({ interactive, tenant }: Image) => {
    const same = [...active].filter((other) => other.interactive === interactive);
    return same.length === 0 || (interactive && same.length === 1 && same[0]?.tenant !== tenant);
  };
  const competes = (image: Image) =>
    isContested(image.tenant) || [...active, ...waiting].some(({ tenant }) => tenant !== image.tenant);

  /** The time after which a tenant may begin its next image while others have work, in milliseconds. */
  function restLeft(tenant: string): number {
    const ended = last.get(tenant);
    if (ended === undefined) return 0;
    const { tenants, share } = use.all.others(tenant);
    const needed = Math.min(share, largestShare);
    return ended.endedAt + ended.took * Math.min(Math.max(1, tenants), needed / (1 - needed)) - now();
  }

  /** Returns 0 when the image may begin, or in how many milliseconds that is to be asked again. */
  function waitOf(image: Waiter): number {
    if (!hasMemoryFor(image)) return Number.POSITIVE_INFINITY;
    if (!competes(image)) return 0;
    if ([...active].some(({ tenant }) => tenant === image.tenant)) return lookEveryMs;
    return Math.min(lookEveryMs, Math.max(0, restLeft(image.tenant)));
  }

  /** The tenant with the least use is first; its interactive images and those of its batches take turns. */
  const before = (a: Waiter, b: Waiter) => {
    if (a.tenant !== b.tenant) return use.all.of(a.tenant) < use.all.of(b.tenant);
    return a.interactive !== b.interactive && a.interactive !== (last.get(a.tenant)?.interactive ?? false);
  };

  function serve(): void {
    clearTimeout(looking);
    for (;;) {
      let next: Waiter | undefined;
      let soonest = Number.POSITIVE_INFINITY;
      for (const image of waiting) {
        const wait = waitOf(image);
        if (wait > 0) soonest = Math.min(soonest, wait);
        else if (next === undefined || before(image, next)) next = image;
      }
      if (next === undefined) {
        if (Number.isFinite(soonest)) looking = setTimeout(serve, Math.ceil(soonest)).unref();
        return;
      }
      waiting.delete(next);
      next.grant();
    }
  }

  function begin(image: Image): () => void {
    active.add(image);
    const endUse = use.begin(image.tenant, image.interactive);
    const begunAt = now();
    return () => {
      if (!active.delete(image)) return;
      endUse();
      for (const [tenant, { endedAt, took }] of last) if (now() - endedAt > forgottenAfter * took) last.delete(tenant);
      last.set(image.tenant, { endedAt: now(), took: now() - begunAt, interactive: image.interactive });
      serve();
    };
  }

  return {
    async take({ interactive, tenant = '', signal }) {
      signal?.throwIfAborted();
      return await new Promise((resolve, reject) => {
        const leave = () => {
          waiting.delete(image);
          reject(signal?.reason);
          serve();
        };
        const image: Waiter = {
          interactive,
          tenant,
          grant() {
            signal?.removeEventListener('abort', leave);
            resolve(begin({ interactive, tenant }));
          },
        };
        signal?.addEventListener('abort', leave, { once: true });
        waiting.add(image);
        serve();
      });
    },
    isBusy: () => active.size + waiting.size > 0,
  };
}

const own = createLargePlaces({ use: createProcessorUse() });

/** The places of this process, for callers that bring none. */
export const takeOwnLargePlace = (caller: Caller) => (signal?: AbortSignal) => own.take({ ...caller, signal });
