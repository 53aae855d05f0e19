import { inOneLine } from '../../shared/exact-json.ts';
import type { BatchRecord } from '../store/record.ts';
import { readChunks, type Source } from './read-chunks.ts';
import { inIndexOrder, type ReadAhead } from './stream.ts';

/**
 * Yields the failed items of a batch in index order, as JSON lines of the posted item with its error. The lines can be
 * posted as a new batch, which ignores the error.
 */
export async function* streamFailures(source: Source, batch: BatchRecord, ahead: ReadAhead): AsyncGenerator<string> {
  if (batch.failed === 0) return;
  for await (const group of inIndexOrder(source, batch, false, ahead)) {
    for (const { chunk, results } of group) {
      if (!results.some(({ status }) => status === 'failed')) continue;
      const [read] = await readChunks(source, batch, [chunk], true);
      const lines = results.flatMap((result, at) => {
        const item = read?.items[at];
        if (result.status !== 'failed' || item === undefined) return [];
        const { retryOfIndex: _, ...posted } = item;
        return [`${JSON.stringify({ ...posted, error: result.error })}\n`];
      });
      yield inOneLine(lines.join(''));
    }
  }
}
