import { readStored, writeStored } from '../../http/browser-store.ts';

/** The maximum number of batches whose thresholds the browser remembers. */
const maxRemembered = 200;
const key = 'thresholds';

/** The threshold that was last chosen for a batch in this browser; undefined if there is none. */
export const rememberedThreshold = (id: string): number | undefined => new Map(stored()).get(id);

/** Remembers the threshold of a batch, and forgets those of the batches that were not opened for longest. */
export function rememberThreshold(id: string, threshold: number): void {
  const others = stored().filter(([other]) => other !== id);
  // If the storage of the browser is full or off, the URL still has the threshold.
  writeStored(key, [...others, [id, threshold]].slice(-maxRemembered));
}

function stored(): [id: string, threshold: number][] {
  const read = readStored(key);
  return Array.isArray(read) ? read.filter((each) => Array.isArray(each) && Number.isFinite(each[1])) : [];
}
