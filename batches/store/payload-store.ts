import { createHash, randomBytes } from 'node:crypto';
import { ServiceError } from '../../shared/errors.ts';
import { asFolder, formatS3Place, type S3Place } from '../../shared/s3-place.ts';
import type { Objects } from './objects.ts';

/** Where payloads are put: in Redis, or as objects in a folder of a bucket. */
export type PayloadPlace = 'redis' | S3Place;

/**
 * The payloads of batches: what a chunk's items are, and their outcomes. Redis keeps what `put` returns, in the field of
 * the chunk: the payload itself, or a short reference to where it lies.
 */
export interface PayloadStore {
  /**
   * The same chunk of the same batch is put to the same place.
   * @throws {ServiceError} `storage.unavailable`
   */
  putInput(id: string, chunk: number, payload: Buffer): Promise<Buffer>;
  /**
   * Each call puts to a place of its own: two workers may have evaluated the chunk, and the outcomes that are counted
   * are those whose reference is kept.
   * @throws {ServiceError} `storage.unavailable`
   */
  putOutput(id: string, chunk: number, payload: Buffer): Promise<Buffer>;
  /**
   * The payload that was put, wherever it lies.
   * @throws {ServiceError} `storage.unavailable`, also for a bucket that this process is not told of.
   */
  get(id: string, kept: Buffer): Promise<Buffer>;
  /**
   * Removes all payloads of a batch that do not lie in Redis.
   * @returns whether nothing is left; otherwise it is to be called again.
   * @throws {ServiceError} `storage.unavailable`
   */
  forget(id: string): Promise<boolean>;
}

/**
 * A payload begins with a DEFLATE block, whose type stands in the second and third bit, and both are never set at once:
 * so no payload begins with this byte, and every reference does. After it come four bytes that tell buckets apart, and
 * the end of the object's name. Below 64 bytes Redis keeps 256 of them in one compact list.
 */
const referenceMark = 0x07;
const folderTagBytes = 4;

/**
 * @param places payloads are put to the first, and found in all of them, so that batches in flight outlive a change.
 */
export function createPayloadStore(places: readonly PayloadPlace[], objects: Objects): PayloadStore {
  const folders = places.filter((place) => place !== 'redis').map(asFolder);
  const byTag = new Map(folders.map((folder) => [tagOf(folder).toString('hex'), folder]));
  const [first = 'redis'] = places;
  const target = first === 'redis' ? undefined : asFolder(first);

  async function put(id: string, name: string, payload: Buffer): Promise<Buffer> {
    if (target === undefined) return payload;
    await used(() => objects.put(objectOf(target, id, name), payload));
    return Buffer.concat([Buffer.from([referenceMark]), tagOf(target), Buffer.from(name)]);
  }

  return {
    putInput: (id, chunk, payload) => put(id, `i/${chunk}`, payload),
    putOutput: (id, chunk, payload) => put(id, `o/${chunk}-${randomBytes(6).toString('base64url')}`, payload),
    async get(id, kept) {
      if (kept[0] !== referenceMark) return kept;
      const folder = byTag.get(kept.subarray(1, 1 + folderTagBytes).toString('hex'));
      if (folder === undefined) {
        throw new ServiceError(
          'storage.unavailable',
          'Payloads of this batch lie in a bucket that this process is not told of: PAYLOADS must name it, if only after `redis`',
          { retryAfter: 60 },
        );
      }
      const name = kept.subarray(1 + folderTagBytes).toString();
      return await used(() => objects.get(objectOf(folder, id, name)));
    },
    async forget(id) {
      for (const folder of folders) if (!(await used(() => objects.remove(objectOf(folder, id, ''))))) return false;
      return true;
    },
  };
}

const objectOf = ({ bucket, key }: S3Place, id: string, name: string): S3Place => ({
  bucket,
  key: `${key}${id}/${name}`,
});

const tagOf = (folder: S3Place): Buffer =>
  createHash('sha256').update(formatS3Place(folder)).digest().subarray(0, folderTagBytes);

/**
 * Whether a payload cannot be had because its object is gone, as after a lifecycle rule of the bucket. A bucket that is
 * missing as a whole is a fault of the installation, and may come back.
 */
export const isLost = ({ cause }: ServiceError): boolean =>
  cause instanceof ServiceError &&
  cause.code === 'storage.not_found' &&
  (cause.cause as Error | undefined)?.name !== 'NoSuchBucket';

/**
 * That the service's own objects are refused or missing is a fault of the installation; where they lie is no business of
 * those who ask.
 */
async function used<Value>(step: () => Promise<Value>): Promise<Value> {
  try {
    return await step();
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    const { cause } = error;
    const why = cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.name) : error.code;
    throw new ServiceError(
      'storage.unavailable',
      `The bucket with the payloads of batches cannot be used now (${why})`,
      {
        cause: error,
        retryAfter: error.retryAfter ?? 60,
      },
    );
  }
}
