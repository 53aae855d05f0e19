import type { ResultSource } from '../format.ts';

export const receiptKey = 'vls';

/**
 * Returns as JSON how the scores of a file were computed.
 * @param more further facts, such as the threshold of a selection.
 */
export function receiptOf(source: ResultSource, more: object = {}): string {
  const { model, revision, precision, preprocess, textCleaning, longText } = source;
  return JSON.stringify({ model, revision, precision, preprocess, textCleaning, longText, ...more });
}
