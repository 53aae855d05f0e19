import type { ResultSource } from '../format.ts';

/** The name of the entry with the receipt in the metadata of a Parquet file. */
export const receiptKey = 'vls';

/**
 * Returns the receipt of a file as JSON: the facts about the computation of its scores.
 * @param more further facts, such as the threshold of a selection.
 */
export function receiptOf(source: ResultSource, more: object = {}): string {
  const { model, revision, precision, preprocess, textCleaning, longText } = source;
  return JSON.stringify({ model, revision, precision, preprocess, textCleaning, longText, ...more });
}
