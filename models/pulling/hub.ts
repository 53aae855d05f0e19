import type { LayoutFile, RepoAt } from '../registry/layouts.ts';

/** The facts that a hub states about a file; each may be missing. */
export interface FileFacts {
  bytes?: number;
  /** For files in LFS or Xet: their linked ETag is the SHA-256. */
  sha256?: string;
  /** For files in git: their ETag is the blob id. */
  gitBlob?: string;
  /** The commit to which the revision resolves. */
  commit?: string;
}

/** The bytes of a file from `offset` on. If `offset` is smaller than requested, the file starts again from there. */
export interface Download {
  offset: number;
  /** Size of the whole file, if stated. */
  total?: number | undefined;
  /** A strong validator of these bytes. It is sent with the request for the remaining bytes. */
  etag?: string;
  body: AsyncIterable<Uint8Array>;
}

/** The files of a repository at a revision. */
export interface Listing {
  /** The commit to which the revision resolves, if known. */
  commit: string | undefined;
  /** Its files by path, with the facts that the hub states. */
  files: ReadonlyMap<string, Pick<FileFacts, 'bytes' | 'sha256'>>;
  /** As stated on the model card. */
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
  /** Address of the hub without credentials, or its directory, for messages. */
  name: string;
  /** The kind of hub. `folder`: the operator chose the files. `http`: any server may have answered. */
  kind: 'http' | 'folder';
  /**
   * Lists the files of a repository. @returns undefined when the hub has no lists, as some mirrors.
   * @throws {PullError}
   */
  list(place: RepoAt, signal?: AbortSignal): Promise<Listing | undefined>;
  /**
   * Searches repositories with ONNX files by a word of their name, the most popular first.
   * @returns undefined when the hub has no search.
   * @throws {PullError}
   */
  search(word: string, signal?: AbortSignal): Promise<FoundRepo[] | undefined>;
  /** @throws {PullError} */
  facts(file: LayoutFile, signal?: AbortSignal): Promise<FileFacts>;
  /**
   * Opens a file. @param from the offset at which to begin, and the validator of the bytes on disk. Without a
   * validator, the hash of the whole file shows whether the parts belong together.
   * @throws {PullError}
   */
  open(file: LayoutFile, from: { offset: number; etag?: string | undefined }, signal?: AbortSignal): Promise<Download>;
}

/** Names a file in a message. */
export const nameOf = ({ repo, revision, path }: LayoutFile): string => `${path} of ${repo} at ${revision}`;
