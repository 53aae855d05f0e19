import type { Bytes } from '../../formats/bytes.ts';
import type { S3Location } from '../../shared/s3-location.ts';

/**
 * An S3-compatible store. Every call fails with `storage.unavailable` when the store cannot be reached in several
 * attempts, and with `storage.forbidden` when it refuses access.
 */
export interface ObjectStore {
  put(place: S3Location, content: Buffer): Promise<void>;
  /** Returns the content of an object. @throws {ServiceError} `storage.not_found` */
  get(place: S3Location): Promise<Buffer>;
  /** Returns the size and the ETag of an object. @throws {ServiceError} `storage.not_found` */
  head(place: S3Location): Promise<ObjectHead>;
  /**
   * Yields the bytes of an object as they arrive. When the connection breaks, reading continues after the last received
   * byte.
   * @param etag the expected ETag. An object with another ETag is refused with `storage.changed`.
   * @throws {ServiceError} `storage.not_found`, `storage.changed`
   */
  read(place: S3Location, etag: string, signal: AbortSignal): AsyncGenerator<Buffer>;
  /**
   * Writes an object of any length while its parts are produced. The object becomes visible after its last part. If
   * writing fails, the object is not created.
   */
  upload(place: S3Location, type: string, parts: AsyncIterable<Bytes>, signal: AbortSignal): Promise<void>;
  /**
   * Removes the objects in a folder, thousands with each call.
   * @returns true when no object is left; otherwise the caller must call again.
   */
  remove(folder: S3Location): Promise<boolean>;
  close(): void;
}

export interface ObjectHead {
  /** The size of the object, in bytes. */
  size: number;
  /** The ETag of the object, including its quotes. Another content has another ETag. */
  etag: string;
}

export interface ObjectStoreOptions {
  /**
   * The address of a store other than AWS. With it, the name of a bucket is part of the path instead of the host name.
   */
  endpoint?: string | undefined;
}
