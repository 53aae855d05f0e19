import type { LayoutFile, RepoAt } from '../registry/layouts.ts';

/** The facts that a hub states about a file. Each of them may be missing. */
export interface FileFacts {
  bytes?: number;
  /** The SHA-256, which the hub states for files in its stores LFS and Xet. */
  sha256?: string;
  /** The git blob id, which the hub states for files in git. */
  gitBlob?: string;
  /** The commit to which the revision resolves. */
  commit?: string;
}

/**
 * The bytes of a file from `offset` to its end. `offset` may be lower than the requested offset, because some servers
 * do not support ranges.
 */
export interface Download {
  offset: number;
  /** The size of the whole file in bytes, if stated. */
  total?: number | undefined;
  /** A strong validator (ETag) of the content of the file. It is sent with a later request for the remaining bytes. */
  etag?: string;
  body: AsyncIterable<Uint8Array>;
}

/** The files of a repository at a revision. */
export interface Listing {
  /** The commit to which the revision resolves, if known. */
  commit: string | undefined;
  /** The files by path, with the facts that the hub states. */
  files: ReadonlyMap<string, Pick<FileFacts, 'bytes' | 'sha256'>>;
  /** The licence that the model card states. */
  licence?: string;
  languages?: string[];
}

/** A repository in a search result. */
export interface FoundRepo {
  repo: string;
  downloads: number | undefined;
  licence: string | undefined;
}

/** A source of model files. */
export interface Hub {
  /** The address of the hub without credentials, or the path of its directory, for messages. */
  name: string;
  /**
   * The kind of hub. `folder`: a directory, whose files the operator has chosen. `http`: a server; a login page or a
   * proxy may answer instead of it.
   */
  kind: 'http' | 'folder';
  /**
   * Lists the files of a repository.
   * @returns undefined when the hub has no lists, as is the case for some mirrors.
   * @throws {PullError}
   */
  list(place: RepoAt, signal?: AbortSignal): Promise<Listing | undefined>;
  /**
   * Searches repositories with ONNX files by a word in their names. The most popular repositories come first.
   * @returns undefined when the hub has no search.
   * @throws {PullError}
   */
  search(word: string, signal?: AbortSignal): Promise<FoundRepo[] | undefined>;
  /** Returns the facts that the hub states about a file. @throws {PullError} */
  facts(file: LayoutFile, signal?: AbortSignal): Promise<FileFacts>;
  /**
   * Opens a file for reading.
   * @param from the offset at which to begin, and the validator of the bytes that are already on disk. Without a
   * validator, the caller must check the hash of the whole file, because the parts may belong to different versions.
   * @throws {PullError}
   */
  open(file: LayoutFile, from: { offset: number; etag?: string | undefined }, signal?: AbortSignal): Promise<Download>;
}

/** Returns the description of a file for messages. */
export const nameOf = ({ repo, revision, path }: LayoutFile): string => `${path} of ${repo} at ${revision}`;
