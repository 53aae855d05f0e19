import { kindsOf } from '../../shared/contracts/batch/embeddings.ts';
import { terminalStates } from '../../shared/contracts/batch/status.ts';
import { type ItemError, itemError, ServiceError } from '../../shared/errors.ts';
import { batchKeys } from '../../shared/redis/keys.ts';
import { rowsOf, toFloat32 } from '../store/embeddings.ts';
import { isLost } from '../store/payload-store.ts';
import { readFields } from '../store/read-record.ts';
import { type BatchRecord, batchRecord } from '../store/record.ts';
import { placeOf, readChunkIndex } from './ordered/chunk-index.ts';
import type { Source } from './read-chunks.ts';

export interface StoredImages {
  /**
   * Returns the image embeddings of an earlier batch in the order of `images`, or an error for an absent one.
   * @param images the indexes of the items, as text.
   * @throws {ServiceError} `storage.unavailable`
   */
  read(tenant: string, batchId: string, images: readonly string[]): Promise<(Float32Array | ItemError)[]>;
}

/** The number of chunks (of up to 64 items) whose embeddings are read at a time. */
const piecesPerRead = 8;

export function createStoredImages(source: Source): StoredImages {
  async function readRows(batch: BatchRecord, chunk: number): Promise<Float32Array | undefined> {
    const { id, embeddingPrecision = 'float16' } = batch;
    const stored = await source.redis.hgetBuffer(batchKeys(source.redis, id).embeddings('image', chunk), String(chunk));
    if (stored === null) return undefined;
    try {
      return toFloat32(rowsOf(await source.payloads.get(id, stored), embeddingPrecision), embeddingPrecision);
    } catch (error) {
      if (error instanceof ServiceError && isLost(error)) return undefined;
      throw error;
    }
  }

  return {
    async read(tenant, batchId, images) {
      const missing = (why: string) => itemError('image.not_stored', why);
      const fields = await readFields(source.redis, batchId);
      const batch = fields['state'] === undefined ? undefined : batchRecord.parse(fields);
      if (batch === undefined || batch.tenant !== tenant || !storesImages(batch)) {
        return images.map(() => missing(`Batch ${batchId}, whose image embeddings this batch uses, was deleted`));
      }
      const { dimensions = 0 } = batch;
      const index = await readChunkIndex(source, batch);
      const wanted = new Map<number, { at: number; row: number }[]>();
      const found: (Float32Array | ItemError)[] = images.map((image, at) => {
        const item = indexOf(image);
        if (item === undefined) {
          return itemError('item.invalid', 'image: expected the index of an item of the earlier batch, such as "17"');
        }
        if (item >= batch.total)
          return missing(
            `Batch ${batchId} has only ${batch.total} ${batch.total === 1 ? 'item' : 'items'}, so it has no item ${item}`,
          );
        const place = placeOf(index, item);
        const chunk = index.committed[place];
        if (chunk !== undefined) {
          const rows = wanted.get(chunk) ?? [];
          rows.push({ at, row: item - (index.firsts[place] ?? 0) });
          wanted.set(chunk, rows);
        }
        return missing(`Item ${item} of batch ${batchId} has no score, so it has no image embedding`);
      });
      const chunks = [...wanted.keys()];
      for (let from = 0; from < chunks.length; from += piecesPerRead) {
        const some = chunks.slice(from, from + piecesPerRead);
        const pieces = await Promise.all(some.map((chunk) => readRows(batch, chunk)));
        for (const [nth, chunk] of some.entries()) {
          for (const { at, row } of wanted.get(chunk) ?? []) {
            const embedding = pieces[nth]?.slice(row * dimensions, (row + 1) * dimensions);
            if (embedding?.length === dimensions && !Number.isNaN(embedding[0])) found[at] = embedding;
          }
        }
      }
      return found;
    },
  };
}

const storesImages = ({ state, embeddings }: BatchRecord): boolean =>
  terminalStates.has(state) && embeddings !== undefined && kindsOf(embeddings).includes('image');

/** Returns undefined unless the text is an index of up to nine digits. */
const indexOf = (text: string): number | undefined => (/^\s*\d{1,9}\s*$/.test(text) ? Number(text) : undefined);
