import type { Sample } from './progress-samples.ts';

/** The data of a followed batch that a reload would lose: the service does not store the history of its rate. */
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
    // Unreadable data counts as none.
  }
  return { lastEventId: undefined, samples: [] };
}

export function storeProgress(id: string, stored: StoredProgress): void {
  try {
    sessionStorage.setItem(keyOf(id), JSON.stringify(stored));
  } catch {
    // The storage is full. After a reload, the plot starts over.
  }
}
