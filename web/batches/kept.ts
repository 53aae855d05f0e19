import type { Sample } from './samples.ts';

/** What a reload of the page would lose of a batch that is followed: the service keeps no history of its rate. */
export interface Kept {
  lastEventId: string | undefined;
  samples: Sample[];
}

const keyOf = (id: string): string => `followed:${id}`;

export function readKept(id: string): Kept {
  try {
    const stored: Partial<Kept> | null = JSON.parse(sessionStorage.getItem(keyOf(id)) ?? 'null');
    if (stored !== null && Array.isArray(stored.samples)) {
      return { lastEventId: stored.lastEventId, samples: stored.samples };
    }
  } catch {
    // As if nothing had been kept.
  }
  return { lastEventId: undefined, samples: [] };
}

export function keep(id: string, kept: Kept): void {
  try {
    sessionStorage.setItem(keyOf(id), JSON.stringify(kept));
  } catch {
    // Full: a reload then begins its plot anew.
  }
}
