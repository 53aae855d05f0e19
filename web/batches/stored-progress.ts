import type { Sample } from './progress-samples.ts';

/** Data about a running batch that survives a reload of the page. The service does not store past rates. */
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
    // Stored data that cannot be read is ignored.
  }
  return { lastEventId: undefined, samples: [] };
}

export function storeProgress(id: string, stored: StoredProgress): void {
  try {
    sessionStorage.setItem(keyOf(id), JSON.stringify(stored));
  } catch {
    // After a reload, the plot begins anew if the storage is full.
  }
}
