import type { LayoutFile } from '../registry/layouts.ts';

/** What a hub states about a file, each where it states it. */
export interface FileFacts {
  bytes?: number;
  /** Of files in LFS or Xet: the hub's linked ETag of such a file is its SHA-256. */
  sha256?: string;
  /** Of files in git: the ETag is the id of the blob. */
  gitBlob?: string;
  /** The commit that the revision stands for. */
  commit?: string;
}

/** The bytes of a file from `offset` on. `offset` may be less than asked for: then the file begins anew. */
export interface Download {
  offset: number;
  /** Bytes of the whole file, where the answer states them. */
  total?: number | undefined;
  /** Strong validator of these bytes, to be shown when the rest is asked for. */
  etag?: string;
  body: AsyncIterable<Uint8Array>;
}

/** Where model files come from. */
export interface Hub {
  /** For messages: the hub's address, without credentials, or its directory. */
  name: string;
  /** `folder`: somebody put the files there by choice. `http`: anything may answer. */
  kind: 'http' | 'folder';
  /** @throws {PullError} */
  facts(file: LayoutFile, signal?: AbortSignal): Promise<FileFacts>;
  /**
   * @param from where to begin, and the validator of what is there already. Without a validator the file's hash decides.
   * @throws {PullError}
   */
  open(file: LayoutFile, from: { offset: number; etag?: string | undefined }, signal?: AbortSignal): Promise<Download>;
}

/** The file of a LayoutFile as it stands in a message. */
export const nameOf = ({ repo, revision, path }: LayoutFile): string => `${path} of ${repo} at ${revision}`;
