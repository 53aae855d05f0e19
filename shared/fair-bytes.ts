import { ServiceError } from './errors.ts';
import { createFairPlaces } from './fair-places.ts';

export interface FairBytesOptions {
  /**
   * The number of bytes that all owners together may hold. A single owner may hold all of them while no other owner
   * waits.
   */
  bytes: number;
  /**
   * The number of bytes that an owner may hold even when all owners together hold `bytes`. An owner that holds fewer
   * bytes gets more at once; only `hardBytes` limits these guaranteed bytes.
   */
  guaranteedBytes: number;
  /** The maximum number of bytes that all owners together may hold, including guaranteed bytes. */
  hardBytes: number;
  /**
   * The unit in which bytes are counted. The first unit of each hold (reservation of bytes by one owner) is not
   * counted.
   */
  unitBytes: number;
  /** The maximum time in ms for which a reservation waits for more bytes before it is refused. Default: 20 s. */
  patienceMs?: number;
  /** Returns the message of the error with which a reservation of bytes is refused. */
  refusal: () => string;
}

/**
 * Shares a number of bytes, for example of memory, fairly between owners such as tenants. A hold is a reservation of
 * bytes by one owner.
 */
export interface FairBytes {
  /**
   * Begins a hold (reservation of bytes), which at first has 0 bytes.
   * @param signal aborts the waiting of this hold.
   */
  hold(owner: string, signal?: AbortSignal): HeldBytes;
  /**
   * Returns the number of bytes that all owners have reserved, in whole units. The first unit of each reservation is
   * not counted.
   */
  total(): number;
}

export interface HeldBytes {
  /**
   * Sets the number of bytes of this reservation. A smaller number takes effect at once. A larger number takes effect
   * when enough bytes are free and no other reservation comes first; {@link FairPlaces.take} describes the order.
   * @throws {ServiceError} `overloaded` when the bytes do not become free in time; `signal.reason` when the signal
   * aborts first.
   */
  set(bytes: number): Promise<void>;
  /** Ends the reservation and frees its bytes. Later calls of `set` have no effect. */
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
