import type { Sample } from './progress-samples.ts';

/** What a reload of the page would lose of a batch that is followed: the service keeps no history of its rate. */
export interface StoredProgress {
  lastEventId: string | undefined;
  samples: Sample[];
}

const keyOf = (id: string): string => `followed:${id}`;

export function loadProgress(id: string): StoredProgress {
  try {
    const stored: Partial<StoredProgress> | null = JSON.parse(sessionStorage.getItem(keyOf(id)) ?? 'null');
    if (stored !== null && Array.isArray(stored.samples)) {
      return { lastEventId: stored.lastEventId, samples: stored.samples };
    }
  } catch {
    // As if nothing had been stored.
  }
  return { lastEventId: undefined, samples: [] };
}

export function storeProgress(id: string, stored: StoredProgress): void {
  try {
    sessionStorage.setItem(keyOf(id), JSON.stringify(stored));
  } catch {
    // Full: a reload then begins its plot anew.
  }
}
