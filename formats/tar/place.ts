const imageEndings = ['jpg', 'jpeg', 'png', 'webp', 'gif', 'avif', 'tif', 'tiff', 'heic', 'heif'];
/**
 * The kinds of files that are read from a sample (all files with the same key). Others, such as `.cls` or `.npy`, are
 * ignored.
 */
export type Part = 'image' | 'txt' | 'json';

export interface Place {
  /** The path up to the first dot of the file name. */
  key: string;
  part: Part | undefined;
}

/** Splits a file name by the rules of WebDataset. Returns undefined without a key or an ending. */
export function placeOf(name: string): Place | undefined {
  const [, key, ending] = /^((?:.*\/)?[^./]+)\.([^/]*)$/s.exec(name) ?? [];
  if (key === undefined || ending === undefined) return undefined;
  const lower = ending.toLowerCase();
  const part = imageEndings.includes(lower) ? 'image' : lower === 'txt' || lower === 'json' ? lower : undefined;
  return { key: key.replace(/^(\.\/)+/, ''), part };
}
