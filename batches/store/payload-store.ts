import { createHash, randomBytes } from 'node:crypto';
import type { EmbeddingKind } from '../../shared/contracts/batch/embeddings.ts';
import { ServiceError } from '../../shared/errors.ts';
import { asFolder, formatS3Location, type S3Location } from '../../shared/s3-location.ts';
import type { ObjectStore } from './object-store.ts';

/** Redis, or a folder of a bucket. */
export type PayloadLocation = 'redis' | S3Location;

/**
 * Stores payloads: the items of a chunk, their outcomes, or their embeddings. A `put` function returns what Redis
 * stores: the payload, or a reference to it in a bucket.
 */
export interface PayloadStore {
  /** True when new payloads are stored in Redis. */
  readonly isInRedis: boolean;
  /** A repeated call writes to the same location. @throws {ServiceError} `storage.unavailable` */
  putInput(id: string, chunk: number, payload: Buffer): Promise<Buffer>;
  /**
   * Writes to a new location, because two workers may have evaluated the same chunk. Redis refers to the outcomes that
   * count. @throws {ServiceError} `storage.unavailable`
   */
  putOutput(id: string, chunk: number, payload: Buffer): Promise<Buffer>;
  /** Writes to a new location, like {@link putOutput}. @throws {ServiceError} `storage.unavailable` */
  putEmbeddings(id: string, chunk: number, kind: EmbeddingKind, piece: Buffer): Promise<Buffer>;
  /**
   * Returns a payload.
   * @param stored the value that a `put` function returned.
   * @throws {ServiceError} `storage.unavailable`, also for a bucket that this process does not know.
   */
  get(id: string, stored: Buffer): Promise<Buffer>;
  /**
   * Removes the payloads of a batch from all buckets, but not from Redis.
   * @returns true when none is left; otherwise the caller must call again.
   * @throws {ServiceError} `storage.unavailable`
   */
  erase(id: string): Promise<boolean>;
}

/**
 * The first byte of a reference to a bucket. No payload begins with it: DEFLATE data never set both the second and the
 * third bit, and embeddings begin with 1 or 2. References are short: Redis stores values below 64 bytes compactly.
 */
const referenceMark = 0x07;
const folderTagBytes = 4;

/** @param locations new payloads go to the first. All can be read, so running batches survive a change of the list. */
export function createPayloadStore(locations: readonly PayloadLocation[], objects: ObjectStore): PayloadStore {
  const folders = locations.filter((location) => location !== 'redis').map(asFolder);
  const byTag = new Map(folders.map((folder) => [tagOf(folder).toString('hex'), folder]));
  const [first = 'redis'] = locations;
  const target = first === 'redis' ? undefined : asFolder(first);

  async function put(id: string, name: string, payload: Buffer): Promise<Buffer> {
    if (target === undefined) return payload;
    await convertingErrors(() => objects.put(objectOf(target, id, name), payload));
    return Buffer.concat([Buffer.from([referenceMark]), tagOf(target), Buffer.from(name)]);
  }

  const newName = (chunk: number) => `${chunk}-${randomBytes(6).toString('base64url')}`;

  return {
    isInRedis: target === undefined,
    putInput: (id, chunk, payload) => put(id, `i/${chunk}`, payload),
    putOutput: (id, chunk, payload) => put(id, `o/${newName(chunk)}`, payload),
    putEmbeddings: (id, chunk, kind, piece) => put(id, `e/${kind}/${newName(chunk)}`, piece),
    async get(id, stored) {
      if (stored[0] !== referenceMark) return stored;
      const folder = byTag.get(stored.subarray(1, 1 + folderTagBytes).toString('hex'));
      if (folder === undefined) {
        throw new ServiceError(
          'storage.unavailable',
          'Items or results of this batch are in a bucket that this process does not know; add the bucket to PAYLOADS, after the location that is there now',
          { retryAfter: 60 },
        );
      }
      const name = stored.subarray(1 + folderTagBytes).toString();
      return await convertingErrors(() => objects.get(objectOf(folder, id, name)));
    },
    async erase(id) {
      for (const folder of folders)
        if (!(await convertingErrors(() => objects.remove(objectOf(folder, id, ''))))) return false;
      return true;
    },
  };
}

const objectOf = ({ bucket, key }: S3Location, id: string, name: string): S3Location => ({
  bucket,
  key: `${key}${id}/${name}`,
});

const tagOf = (folder: S3Location): Buffer =>
  createHash('sha256').update(formatS3Location(folder)).digest().subarray(0, folderTagBytes);

/**
 * Returns true when a payload no longer exists in its bucket. A missing bucket does not count: it is a configuration
 * error that may be corrected.
 */
export const isLost = ({ cause }: ServiceError): boolean =>
  cause instanceof ServiceError &&
  cause.code === 'storage.not_found' &&
  (cause.cause as Error | undefined)?.name !== 'NoSuchBucket';

/**
 * Converts errors to `storage.unavailable`. A denied access or a missing object is an error of the operator, and
 * clients must not see the location.
 */
async function convertingErrors<Value>(step: () => Promise<Value>): Promise<Value> {
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
