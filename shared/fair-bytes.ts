import { ServiceError } from './errors.ts';
import { createFairPlaces } from './fair-places.ts';

export interface FairBytesOptions {
  /** The bytes that all owners together may hold. A single owner may hold all while no other waits. */
  bytes: number;
  /** The bytes that an owner may hold even when `bytes` are held. Only `hardBytes` limits them. */
  guaranteedBytes: number;
  /** The maximum number of bytes of all owners, including guaranteed bytes. */
  hardBytes: number;
  /** The unit of counting in bytes. The first unit of each reservation is not counted. */
  unitBytes: number;
  /** The maximum wait in ms before a reservation is refused. Default: 20 s. */
  patienceMs?: number;
  refusal: () => string;
}

/** Shares bytes, for example of memory, fairly between owners such as tenants. */
export interface FairBytes {
  /** Begins a reservation of 0 bytes. @param signal aborts its waiting. */
  hold(owner: string, signal?: AbortSignal): HeldBytes;
  /** Returns the reserved bytes of all owners, in whole units, without the first unit of each reservation. */
  total(): number;
}

export interface HeldBytes {
  /**
   * Changes the size of the reservation. A smaller size takes effect at once, a larger one when bytes are free, in the
   * order of {@link FairPlaces.take}.
   * @throws {ServiceError} `overloaded` when the bytes do not become free in time; `signal.reason` when the signal
   * aborts first.
   */
  set(bytes: number): Promise<void>;
  /** Ends the reservation. Later calls of `set` have no effect. */
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
