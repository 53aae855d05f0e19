const imageEndings = ['jpg', 'jpeg', 'png', 'webp', 'gif', 'avif', 'tif', 'tiff', 'heic', 'heif'];
/**
 * The parts of a sample that are read. A sample is all files with the same key. Other files of a sample, such as `.cls`
 * or `.npy`, are ignored.
 */
export type Part = 'image' | 'txt' | 'json';

/** The key and the part that a file name contains. */
export interface Place {
  /** The path up to the first dot of the file name. All files of a sample have the same key. */
  key: string;
  part: Part | undefined;
}

/**
 * Splits a file name into key and part, by the rules of WebDataset. Returns undefined for a name without a key or an
 * ending.
 */
export function placeOf(name: string): Place | undefined {
  const [, key, ending] = /^((?:.*\/)?[^./]+)\.([^/]*)$/s.exec(name) ?? [];
  if (key === undefined || ending === undefined) return undefined;
  const lower = ending.toLowerCase();
  const part = imageEndings.includes(lower) ? 'image' : lower === 'txt' || lower === 'json' ? lower : undefined;
  return { key: key.replace(/^(\.\/)+/, ''), part };
}
