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

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
/** The id that git gives to a file. */
export const gitBlob = (bytes: Buffer): string =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
/** The name that Xet gives to a file: as long as a SHA-256, and not one. */
export const xetHash = (bytes: Buffer): string => createHash('sha256').update('xet').update(bytes).digest('hex');
export const isLinked = (path: string): boolean => /\.(onnx([._]data\w*)?|model|bin)$/.test(path);
