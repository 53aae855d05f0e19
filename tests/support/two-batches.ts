import type { ItemResult } from '../../shared/contracts/item.ts';
import type { Engine } from './engine.ts';

/** The number of items of each of the two batches. */
export const total = 40;

const resultOf = (index: number, step: number): ItemResult => {
  if ((index * step) % 7 === 3) {
    return { index, status: 'failed', error: { code: 'image.corrupt', message: 'broken', retryable: false } };
  }
  const cosine = Number((((index * step) % 20) / 40 - 0.05).toFixed(6));
  return { index, status: 'succeeded', cosine, score: Number((100 * Math.max(cosine, 0)).toFixed(4)) };
};

/** The results of two batches of the same items, with ties, negative cosines and failures at different items. */
export const ofOne = Array.from({ length: total }, (_, index) => resultOf(index, 3));
export const ofOther = Array.from({ length: total }, (_, index) => resultOf(index, 11));

/**
 * Posts a batch and commits these results, in chunks of four items.
 * @param model the name of its model, if it is not the usual one.
 * @returns the id of the batch.
 */
export async function postAll(engine: Engine, results: readonly ItemResult[], model?: string): Promise<string> {
  const id = await engine.post(results.length, { ...(model && { model }) });
  for (let chunk = 0; chunk < results.length / 4; chunk++) {
    await engine.commit(id, chunk, results.slice(4 * chunk, 4 * chunk + 4));
  }
  return id;
}
