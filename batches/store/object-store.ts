import type { Bytes } from '../../formats/bytes.ts';
import type { S3Location } from '../../shared/s3-location.ts';

/**
 * An S3-compatible store. Every call can fail with `storage.unavailable` after several attempts, and with
 * `storage.forbidden`.
 */
export interface ObjectStore {
  put(place: S3Location, content: Buffer): Promise<void>;
  /** @throws {ServiceError} `storage.not_found` */
  get(place: S3Location): Promise<Buffer>;
  /** @throws {ServiceError} `storage.not_found` */
  head(place: S3Location): Promise<ObjectHead>;
  /**
   * Yields the bytes of an object. After a broken connection, reading continues where it stopped.
   * @param etag another ETag of the object is refused with `storage.changed`.
   * @throws {ServiceError} `storage.not_found`, `storage.changed`
   */
  read(place: S3Location, etag: string, signal: AbortSignal): AsyncGenerator<Buffer>;
  /**
   * Writes an object of any length while its parts are produced. It becomes visible after its last part, or not at all.
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
  /** In bytes. */
  size: number;
  /** Includes quotes. Another content has another ETag. */
  etag: string;
}

export interface ObjectStoreOptions {
  /** The address of a store other than AWS. The bucket is then part of the path instead of the host name. */
  endpoint?: string | undefined;
}
