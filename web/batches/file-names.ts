import { formats } from '../../shared/formats.ts';

/** The ending of an uploaded file at the end of a name, or before an addition such as `, retried`. */
const ending = new RegExp(`\\.(${formats.flatMap(({ endings }) => endings).join('|')})(\\.gz)?(?=,|$)`, 'gi');

/**
 * Returns the beginning of the names of files of a batch.
 * @param title the name of the batch, as the page shows it.
 */
export function fileStem(title: string): string {
  const stem = title.replace(ending, '').replaceAll(/[^\p{L}\p{N}_-]+/gu, '-');
  return stem.replaceAll(/^-+|-+$/g, '') || 'batch';
}
