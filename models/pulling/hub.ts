import type { LayoutFile, RepoAt } from '../registry/layouts.ts';

export interface FileFacts {
  bytes?: number;
  /** Stated for files in the stores LFS and Xet. */
  sha256?: string;
  /** Stated for files in git. */
  gitBlob?: string;
  /** The commit to which the revision resolves. */
  commit?: string;
}

/**
 * The bytes of a file from `offset` to its end. A server that does not support ranges gives a lower offset than
 * requested.
 */
export interface Download {
  offset: number;
  /** The size of the whole file in bytes. */
  total?: number | undefined;
  /** A strong validator (ETag). A later request for the remaining bytes sends it. */
  etag?: string;
  body: AsyncIterable<Uint8Array>;
}

/** The files of a repository at a revision. */
export interface Listing {
  commit: string | undefined;
  /** By path. */
  files: ReadonlyMap<string, Pick<FileFacts, 'bytes' | 'sha256'>>;
  /** From the model card. */
  licence?: string;
  languages?: string[];
}

export interface FoundRepo {
  repo: string;
  downloads: number | undefined;
  licence: string | undefined;
}

/** A source of model files. */
export interface Hub {
  /** The address without credentials, or the path of a directory, for messages. */
  name: string;
  /**
   * `folder`: a directory that the operator has chosen. `http`: a server, for which a login page or proxy may answer.
   */
  kind: 'http' | 'folder';
  /**
   * Lists the files of a repository.
   * @returns undefined when the hub has no lists, like some mirrors.
   * @throws {PullError}
   */
  list(place: RepoAt, signal?: AbortSignal): Promise<Listing | undefined>;
  /**
   * Searches repositories with ONNX files by a word in their names, the most popular first.
   * @returns undefined when the hub has no search.
   * @throws {PullError}
   */
  search(word: string, signal?: AbortSignal): Promise<FoundRepo[] | undefined>;
  /**
   * Returns the facts that the hub states about a file.
   * @throws {PullError}
   */
  facts(file: LayoutFile, signal?: AbortSignal): Promise<FileFacts>;
  /**
   * Opens a file for reading.
   * @param from the offset, and the validator of the bytes on disk. Without a validator, these may belong to another
   * version, and the caller must check the hash of the whole file.
   * @throws {PullError}
   */
  open(file: LayoutFile, from: { offset: number; etag?: string | undefined }, signal?: AbortSignal): Promise<Download>;
}

export const nameOf = ({ repo, revision, path }: LayoutFile): string => `${path} of ${repo} at ${revision}`;
