import * as numbers from '../../ui/numbers.ts';
import type { Estimate } from './estimate.ts';

/** The width of a 95 % interval, as a share, from which the page advises caution. */
const wide = 0.2;

/**
 * Returns the sentence for a suggested threshold whose precision is uncertain; undefined if it is certain enough.
 * @param labels the number of judged pairs.
 * @param pairs the number of pairs of the sample.
 */
export function cautionWords(precision: Estimate, labels: number, pairs: number): string | undefined {
  if (precision.high - precision.low <= wide) return undefined;
  const advice = labels < pairs ? '; judge more pairs' : '';
  return `${numbers.counted(labels, 'label')} leave this precision uncertain${advice}.`;
}
