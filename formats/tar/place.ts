const imageEndings = ['jpg', 'jpeg', 'png', 'webp', 'gif', 'avif', 'tif', 'tiff', 'heic', 'heif'];
/**
 * The kinds of files that are read from a sample. A sample is all files with the same key (the name without its
 * ending). Its other files, such as `.cls` or `.npy`, are ignored.
 */
export type Part = 'image' | 'txt' | 'json';

/** The key of a file name, and the kind of file that its ending states. */
export interface Place {
  /** The path up to the first dot of the file name. Files with the same key form a sample. */
  key: string;
  part: Part | undefined;
}

/**
 * Splits a file name into its key and its kind, by the rules of WebDataset. Returns undefined for a name without a key
 * or an ending.
 */
export function placeOf(name: string): Place | undefined {
  const [, key, ending] = /^((?:.*\/)?[^./]+)\.([^/]*)$/s.exec(name) ?? [];
  if (key === undefined || ending === undefined) return undefined;
  const lower = ending.toLowerCase();
  const part = imageEndings.includes(lower) ? 'image' : lower === 'txt' || lower === 'json' ? lower : undefined;
  return { key: key.replace(/^(\.\/)+/, ''), part };
}
