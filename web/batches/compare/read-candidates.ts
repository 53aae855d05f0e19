import type { BatchList } from '../../../shared/contracts/batch/list.ts';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';

/** The maximum number of batches in the choice of the other batch. */
const most = 1_000;

/**
 * Reads the batches that have a number of items, the latest first. A page of many batches may have few or none of them.
 * @param readPage reads the page at a cursor; the first one without a cursor.
 */
export async function readCandidates(readPage: (cursor?: string) => Promise<BatchList>): Promise<BatchStatus[]> {
  const found: BatchStatus[] = [];
  let cursor: string | undefined;
  do {
    const { batches, next } = await readPage(cursor);
    found.push(...batches);
    cursor = next ?? undefined;
  } while (cursor !== undefined && found.length < most);
  return found;
}

/**
 * Describes the missing choice of another batch.
 * @param recent the batches of the choice; undefined until they are read and one of them may be chosen.
 * @param hasFailed true if they cannot be read.
 */
export function noChoiceWords(recent: readonly BatchStatus[] | undefined, hasFailed: boolean): string {
  if (recent !== undefined) return recent.length === 0 ? 'no other batch of these items' : 'choose a batch';
  return hasFailed ? 'the list of batches is not available' : 'Loading…';
}
