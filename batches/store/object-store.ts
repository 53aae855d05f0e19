import type { Bytes } from '../../formats/bytes.ts';
import type { S3Place } from '../../shared/s3-place.ts';

/**
 * What is asked of an S3-compatible store. Everything fails with `storage.unavailable` while it cannot be reached, after
 * a few attempts, and with `storage.forbidden` when it refuses.
 */
export interface Objects {
  put(place: S3Place, content: Buffer): Promise<void>;
  /** @throws {ServiceError} `storage.not_found` */
  get(place: S3Place): Promise<Buffer>;
  /** @throws {ServiceError} `storage.not_found` */
  head(place: S3Place): Promise<ObjectHead>;
  /**
   * The bytes of an object as they arrive; a connection that breaks goes on where it broke.
   * @param etag what its content was known by: another content is refused.
   * @throws {ServiceError} `storage.not_found`, `storage.changed`
   */
  read(place: S3Place, etag: string, signal: AbortSignal): AsyncGenerator<Buffer>;
  /** Writes an object as its parts come, however long; it is there with the last of them, or not at all. */
  upload(place: S3Place, type: string, parts: AsyncIterable<Bytes>, signal: AbortSignal): Promise<void>;
  /**
   * Removes what lies in a folder, some thousands of objects at a time.
   * @returns whether nothing is left; otherwise it is to be called again.
   */
  remove(folder: S3Place): Promise<boolean>;
  close(): void;
}

export interface ObjectHead {
  /** In bytes. */
  size: number;
  /** Known from the content; with its quotes. */
  etag: string;
}

export interface ObjectsOptions {
  /** Address of a store that is not AWS; its buckets are then parts of the path, and not names of hosts. */
  endpoint?: string | undefined;
}
