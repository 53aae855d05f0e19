import { useEffect, useState } from 'preact/hooks';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import { haveImageBytes } from './exported.ts';
import { readFirst } from './ranked.ts';

/** The number of pairs that are read. A column usually has the bytes of all images or of none. */
const firstRead = 20;

/** Returns true when the first pairs of a batch show that its tables of results leave images out. */
export function useLeftOutImages({ id, items, imagesFrom, requests }: BatchStatus): boolean {
  const [isLeftOut, setLeftOut] = useState(false);
  // The images of other batches are indexes, and those of requests have no column.
  const hasImages = items.succeeded > 0 && imagesFrom === null && requests === null;
  useEffect(() => {
    setLeftOut(false);
    if (!hasImages) return;
    const gone = new AbortController();
    // The note is not shown if the pairs cannot be read. The download shows the error.
    readFirst(id, firstRead, gone.signal).then(
      (pairs) => setLeftOut(haveImageBytes(pairs)),
      () => {},
    );
    return () => gone.abort();
  }, [id, hasImages]);
  return isLeftOut;
}
