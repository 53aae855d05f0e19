import { createHash } from 'node:crypto';

/** A repository on the local hub. Graphs, weights and models of SentencePiece are in LFS or Xet: the store has them. */
export interface HubRepo {
  commit: string;
  files: Record<string, Buffer>;
  /** Whom it refuses: everybody, or whoever lacks this token. */
  gated?: true | { token: string };
  /** Fields of its model card. */
  card?: { license?: string; language?: string | string[] };
}

/**
 * Computes each hash once. The hub states the hashes of all files of a repository with each list of them, and most tests
 * share the same 30 MB of files. The content of a buffer must not change.
 */
function remembered(hash: (bytes: Buffer) => string): (bytes: Buffer) => string {
  const known = new WeakMap<Buffer, string>();
  return (bytes) => {
    const hashed = known.get(bytes) ?? hash(bytes);
    known.set(bytes, hashed);
    return hashed;
  };
}

export const sha256 = remembered((bytes) => createHash('sha256').update(bytes).digest('hex'));
/** The id that git gives to a file. */
export const gitBlob = remembered((bytes) =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex'),
);
/** The name that Xet gives to a file: as long as a SHA-256, and not one. */
export const xetHash = remembered((bytes) => createHash('sha256').update('xet').update(bytes).digest('hex'));
export const isLinked = (path: string): boolean => /\.(onnx([._]data\w*)?|model|bin)$/.test(path);
