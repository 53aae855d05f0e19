import type { Bytes } from '../../formats/bytes.ts';
import type { S3Location } from '../../shared/s3-location.ts';

/**
 * An S3-compatible store. Every call fails with `storage.unavailable` when the store cannot be reached after a few
 * attempts, and with `storage.forbidden` when the store refuses access.
 */
export interface ObjectStore {
  put(place: S3Location, content: Buffer): Promise<void>;
  /** @throws {ServiceError} `storage.not_found` */
  get(place: S3Location): Promise<Buffer>;
  /** @throws {ServiceError} `storage.not_found` */
  head(place: S3Location): Promise<ObjectHead>;
  /**
   * Yields the bytes of an object as they arrive. When the connection breaks, reading continues after the last byte
   * received.
   * @param etag the ETag of the expected content. Other content is refused with `storage.changed`.
   * @throws {ServiceError} `storage.not_found`, `storage.changed`
   */
  read(place: S3Location, etag: string, signal: AbortSignal): AsyncGenerator<Buffer>;
  /**
   * Writes an object of any length as its parts arrive. The object appears after the last part; if writing fails, no
   * object appears.
   */
  upload(place: S3Location, type: string, parts: AsyncIterable<Bytes>, signal: AbortSignal): Promise<void>;
  /**
   * Removes the objects of a folder, some thousands with each call.
   * @returns true when no object is left; otherwise the caller must call again.
   */
  remove(folder: S3Location): Promise<boolean>;
  close(): void;
}

export interface ObjectHead {
  /** Size of the object, in bytes. */
  size: number;
  /** The ETag, with its quotes. It identifies the content. */
  etag: string;
}

export interface ObjectStoreOptions {
  /**
   * Address of a store other than AWS. With such a store, the name of a bucket is a part of the path, not of the host
   * name.
   */
  endpoint?: string | undefined;
}
