import { ServiceError } from './errors.ts';
import { createFairPlaces } from './fair-places.ts';

export interface FairBytesOptions {
  /** Bytes that may be held at a time. A single owner may hold all of them. */
  bytes: number;
  /** An owner below this number of bytes never waits, even if others hold all of them. */
  guaranteedBytes: number;
  /** The most bytes held at any time, guaranteed ones included. */
  hardBytes: number;
  /** Bytes are counted in units of this size. The first unit of each hold is free. */
  unitBytes: number;
  /** The time in ms that a hold waits for more bytes before it is refused. Default 20 s. */
  patienceMs?: number;
  /** Returns the message of a refusal. */
  refusal: () => string;
}

/** Bytes of one resource, for example memory, shared fairly between owners. */
export interface FairBytes {
  /**
   * Opens a hold of 0 bytes.
   * @param signal ends the waiting of this hold.
   */
  hold(owner: string, signal?: AbortSignal): HeldBytes;
  /** Counts the bytes that are held beyond the first unit of each hold, in whole units. */
  total(): number;
}

export interface HeldBytes {
  /**
   * Changes the bytes of this hold. Fewer are given back at once. For more it waits its turn, as
   * {@link createFairPlaces} orders it.
   * @throws {ServiceError} `overloaded` when they are not free in time; `signal.reason` when the signal aborts first.
   */
  set(bytes: number): Promise<void>;
  /** Gives all bytes back. A later `set` does nothing. */
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
