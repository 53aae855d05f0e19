import type { Caller } from '../encoder/protocol.ts';
import { createProcessorUse, type ProcessorUse } from '../processor-use.ts';

/** Limits how many large images are decoded at the same time. Each needs much memory, and often a second or more. */
export interface LargePlaces {
  /**
   * Waits until the image may be decoded.
   * @returns a function to call after decoding.
   * @throws the reason of the caller's signal, when it aborts first.
   */
  take(caller: Omit<Caller, 'takeLargePlace'>): Promise<() => void>;
  isBusy(): boolean;
}

export interface LargePlacesOptions {
  use: ProcessorUse;
  /** Returns true when other tenants have work for the same processor. Default: false. */
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

/** The interval in ms of checks for an image that waits only because other tenants have work. */
const lookEveryMs = 250;
/** The maximum processor share of other tenants in the formula for a rest, the pause after a tenant's large image. */
const largestShare = 0.95;
/** A tenant's last large image is forgotten after this multiple of its decoding time. Rests are shorter. */
const forgottenAfter = 100;

/**
 * Creates the limit on large images. For memory, it admits one image of a batch, one of an interactive request, and one
 * interactive image of a second tenant. For processor time, a tenant rests after each image while others have work,
 * because a decoder cannot be stopped.
 *
 * The rest grows with the processor share of the others, up to the image's duration times their number. Without rests,
 * a tenant with interlaced PNGs of 49 megapixels (1.5 s each) made another's batch take 3.4 times as long.
 */
export function createLargePlaces({
  use,
  isContested = () => false,
  now = () => performance.now(),
}: LargePlacesOptions): LargePlaces {
  const active = new Set<Image>();
  const waiting = new Set<Waiter>();
  /** The last large image of each tenant. `took` is its decoding time in ms. */
  const last = new Map<string, { endedAt: number; took: number; interactive: boolean }>();
  let looking: NodeJS.Timeout | undefined;

  const hasMemoryFor = ({ interactive, tenant }: Image) => {
    const same = [...active].filter((other) => other.interactive === interactive);
    return same.length === 0 || (interactive && same.length === 1 && same[0]?.tenant !== tenant);
  };
  const competes = (image: Image) =>
    isContested(image.tenant) || [...active, ...waiting].some(({ tenant }) => tenant !== image.tenant);

  /** Returns the ms until a tenant may start its next image while other tenants have work. */
  function restLeft(tenant: string): number {
    const ended = last.get(tenant);
    if (ended === undefined) return 0;
    const { tenants, share } = use.all.others(tenant);
    const needed = Math.min(share, largestShare);
    return ended.endedAt + ended.took * Math.min(Math.max(1, tenants), needed / (1 - needed)) - now();
  }

  /** Returns 0 when the image may start; otherwise the ms until the next check. */
  function waitOf(image: Waiter): number {
    if (!hasMemoryFor(image)) return Number.POSITIVE_INFINITY;
    if (!competes(image)) return 0;
    if ([...active].some(({ tenant }) => tenant === image.tenant)) return lookEveryMs;
    return Math.min(lookEveryMs, Math.max(0, restLeft(image.tenant)));
  }

  /**
   * Returns true when `a` must start before `b`. The tenant with the least use comes first; its interactive and batch
   * images alternate.
   */
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

/** Returns a `takeLargePlace` for a caller without one. All of them share one limit in this process. */
export const takeOwnLargePlace = (caller: Caller) => (signal?: AbortSignal) => own.take({ ...caller, signal });
