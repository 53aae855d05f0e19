import type { JudgedPair, Judgement } from '../../shared/contracts/batch/judgement.ts';
import { ServiceError } from '../../shared/errors.ts';
import { readSample } from '../store/judgement/read-sample.ts';
import type { BatchRecord } from '../store/record.ts';
import { readPairsAt } from './compared/items-at.ts';
import { readScoresAt } from './compared/scores-at.ts';
import { readChunkIndex } from './ordered/chunk-index.ts';
import type { Source } from './read-chunks.ts';
import { withItem } from './with-item.ts';

/** Returns the sample of a batch with its labels. The pairs have no metadata, because its size has no useful limit. */
export async function readJudgement(source: Source, batch: BatchRecord): Promise<Judgement> {
  const stored = await readSample(source.redis, batch.id);
  if (stored === undefined) return { sample: null, edges: [], pairs: [] };
  const { sample, threshold, edges, indexes, labels } = stored;
  const found = await readPairsAt(source, batch, indexes);
  const pairs = indexes.flatMap((index): JudgedPair[] => {
    const { result, item } = found.get(index) ?? {};
    // After a Redis has lost its last second, a pair may be without a score until it is evaluated again.
    if (result?.status !== 'succeeded') return [];
    const { id, score, cosine, probability } = result;
    const { text = '', image = null, imagePath, imageStored } = withItem(result, item);
    const label = labels.get(index);
    return [
      {
        index,
        ...(id !== undefined && { id }),
        ...{ text, image, score, cosine },
        ...(imagePath !== undefined && { imagePath }),
        ...(imageStored && { imageStored }),
        ...(probability !== undefined && { probability }),
        ...(label !== undefined && { label }),
      },
    ];
  });
  return { sample, ...(threshold !== undefined && { threshold }), edges, pairs };
}

/** Refuses a sample with a pair that has no score. @throws {ServiceError} `request.invalid` */
export async function checkSampled(source: Source, batch: BatchRecord, indexes: readonly number[]): Promise<void> {
  await readChunkIndex(source, batch);
  const scores = await readScoresAt(source, batch, indexes);
  const at = indexes.findIndex((index) => !scores.has(index));
  if (at < 0) return;
  const path = `indexes[${at}]`;
  const message = `the item ${indexes[at]} of this batch has no score`;
  throw new ServiceError('request.invalid', `${path}: ${message}`, { faults: [{ path, message }] });
}
