import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import * as numbers from '../../ui/numbers.ts';
import { fileStem } from '../file-names.ts';
import { justBelow } from './distribution.ts';

export const parts = ['passing', 'failing', 'all', 'failed'] as const;
/** The part of a batch that is exported. */
export type Part = (typeof parts)[number];

/** Returns the conditions of the API that select the exported items. */
export function selectionOf(part: Part, threshold: number): Record<string, string | number> {
  if (part === 'passing') return { status: 'succeeded', minScore: threshold };
  if (part === 'failing') return { status: 'succeeded', maxScore: justBelow(threshold) };
  return part === 'failed' ? { status: 'failed' } : {};
}

/** Returns the name of an exported file without its ending. */
export function exportName(title: string, part: Part, threshold: number): string {
  const at = numbers.threshold(threshold);
  const words: Record<Part, string> = { passing: `from-${at}`, failing: `below-${at}`, all: 'all', failed: 'failed' };
  return `${fileStem(title)}-${words[part]}`;
}

/**
 * Returns the note for an exported file: its selection and number of rows, and the model that computed the scores.
 * @param rows undefined if it is not known, because results arrived during the download.
 */
export function noteOf(status: BatchStatus, part: Part, threshold: number, rows: number | undefined): string {
  const { id, model, revision, precision, preprocess, textCleaning, traffic, items } = status;
  const note = {
    batch: id,
    part,
    /** Null if the threshold does not select the rows. */
    threshold: part === 'passing' || part === 'failing' ? threshold : null,
    rows: rows ?? null,
    selection: selectionOf(part, threshold),
    receipt: { model, revision, precision, preprocess, textCleaning, ...(traffic !== null && { traffic }) },
    items,
    savedAt: new Date().toISOString(),
  };
  return `${JSON.stringify(note, null, 2)}\n`;
}

/** Returns true if images of some scored pairs are bytes without a path, which tables of results leave out. */
export const haveImageBytes = (pairs: readonly ItemResult[]): boolean =>
  pairs.some(({ image, imagePath }) => (image ?? imagePath ?? null) === null);
