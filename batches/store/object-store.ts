import type { Bytes } from '../../formats/bytes.ts';
import type { S3Location } from '../../shared/s3-location.ts';

/**
 * An S3-compatible store. Every call fails with `storage.unavailable` when it cannot be reached after a few attempts, and
 * with `storage.forbidden` when it refuses the credentials.
 */
export interface ObjectStore {
  put(place: S3Location, content: Buffer): Promise<void>;
  /** @throws {ServiceError} `storage.not_found` */
  get(place: S3Location): Promise<Buffer>;
  /** @throws {ServiceError} `storage.not_found` */
  head(place: S3Location): Promise<ObjectHead>;
  /**
   * Returns the bytes of an object as they arrive. A broken connection is resumed at its position.
   * @param etag of the expected content. Other content is refused.
   * @throws {ServiceError} `storage.not_found`, `storage.changed`
   */
  read(place: S3Location, etag: string, signal: AbortSignal): AsyncGenerator<Buffer>;
  /** Writes an object of any length as its parts arrive. It exists after the last part, or not at all. */
  upload(place: S3Location, type: string, parts: AsyncIterable<Bytes>, signal: AbortSignal): Promise<void>;
  /**
   * Removes the objects of a folder, some thousands with each call.
   * @returns true when none is left; otherwise call it again.
   */
  remove(folder: S3Location): Promise<boolean>;
  close(): void;
}

export interface ObjectHead {
  /** In bytes. */
  size: number;
  /** Identifies the content; with its quotes. */
  etag: string;
}

export interface ObjectStoreOptions {
  /** Address of a store other than AWS. Its buckets are then parts of the path, not host names. */
  endpoint?: string | undefined;
}
