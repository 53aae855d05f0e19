import { ServiceError } from './errors.ts';
import { createFairPlaces } from './fair-places.ts';

export interface FairBytesOptions {
  /** The maximum number of bytes held at a time. An owner without competition may hold all of them. */
  bytes: number;
  /** An owner with fewer bytes than this never waits, even when others hold the maximum. */
  guaranteedBytes: number;
  /** The maximum number of bytes held at a time, including guaranteed bytes. */
  hardBytes: number;
  /** The unit in which bytes are counted. The first unit of each hold is not counted. */
  unitBytes: number;
  /** The maximum time in ms that a hold waits for more bytes; then it is refused. Default: 20 s. */
  patienceMs?: number;
  /** Returns the message of a refusal. */
  refusal: () => string;
}

/** Shares a number of bytes, such as memory, fairly between owners. */
export interface FairBytes {
  /**
   * Begins a hold of 0 bytes.
   * @param signal ends the waiting of this hold.
   */
  hold(owner: string, signal?: AbortSignal): HeldBytes;
  /** Returns the bytes that are held, without the first unit of each hold, in whole units. */
  total(): number;
}

export interface HeldBytes {
  /**
   * Changes the number of bytes of this hold. Fewer bytes take effect at once. For more bytes it waits for its turn, in
   * the order of {@link createFairPlaces}.
   * @throws {ServiceError} `overloaded` when the bytes are not free in time; `signal.reason` when the signal aborts
   * first.
   */
  set(bytes: number): Promise<void>;
  /** Ends the hold and frees its bytes. A later `set` does nothing. */
  release(): void;
}

export function createFairBytes(options: FairBytesOptions): FairBytes {
  const { bytes, guaranteedBytes, hardBytes, unitBytes, patienceMs = 20_000, refusal } = options;
  const places = createFairPlaces({
    places: Math.floor(bytes / unitBytes),
    guaranteed: Math.floor(guaranteedBytes / unitBytes),
    hardLimit: Math.floor(hardBytes / unitBytes),
  });

  async function take(owner: string, signal: AbortSignal | undefined): Promise<() => void> {
    const free = places.tryTake(owner);
    if (free !== undefined) return free;
    const late = new AbortController();
    const timer = setTimeout(
      () => late.abort(new ServiceError('overloaded', refusal(), { retryAfter: 2 })),
      patienceMs,
    );
    const ends = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]);
    return await places.take(owner, ends).finally(() => clearTimeout(timer));
  }

  return {
    hold(owner, signal) {
      const held: (() => void)[] = [];
      let isReleased = false;
      const shrinkTo = (units: number) => {
        for (const giveBack of held.splice(units)) giveBack();
      };
      return {
        async set(wanted) {
          const units = Math.max(0, Math.ceil(wanted / unitBytes) - 1);
          if (units < held.length) shrinkTo(units);
          while (held.length < units && !isReleased) {
            const giveBack = await take(owner, signal);
            if (isReleased) giveBack();
            else held.push(giveBack);
          }
        },
        release() {
          isReleased = true;
          shrinkTo(0);
        },
      };
    },
    total: () => places.total().held * unitBytes,
  };
}
