import type { LayoutFile, RepoAt } from '../registry/layouts.ts';

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

/** A repository at a revision. */
export interface Listing {
  /** The commit that the revision stands for, where it is known. */
  commit: string | undefined;
  /** Its files, by path, with what the hub states about each. */
  files: ReadonlyMap<string, Pick<FileFacts, 'bytes' | 'sha256'>>;
  /** As its card states them. */
  licence?: string;
  languages?: string[];
}

/** A repository that a search has found. */
export interface FoundRepo {
  repo: string;
  downloads: number | undefined;
  licence: string | undefined;
}

/** Where model files come from. */
export interface Hub {
  /** For messages: the hub's address, without credentials, or its directory. */
  name: string;
  /** `folder`: somebody put the files there by choice. `http`: anything may answer. */
  kind: 'http' | 'folder';
  /**
   * @returns undefined where the hub keeps no lists, as some mirrors.
   * @throws {PullError}
   */
  list(place: RepoAt, signal?: AbortSignal): Promise<Listing | undefined>;
  /**
   * Repositories with ONNX files whose names have this word, the most popular first.
   * @returns undefined where the hub cannot be searched.
   * @throws {PullError}
   */
  search(word: string, signal?: AbortSignal): Promise<FoundRepo[] | undefined>;
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
