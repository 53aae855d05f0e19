import * as numbers from '../../ui/numbers.ts';
import { type Estimate, intervalPercents } from './estimate.ts';

/** The distance from the wanted precision to the lower end of the 95 % interval from which the page advises caution. */
const far = 0.05;

/**
 * Returns the sentence for a suggested threshold whose precision is uncertain; undefined if it is certain enough.
 * @param wanted the wanted precision, from 0 to 1.
 * @param labels the number of judged pairs.
 * @param pairs the number of pairs of the sample.
 */
export function cautionWords(precision: Estimate, wanted: number, labels: number, pairs: number): string | undefined {
  const [low] = intervalPercents(precision);
  if (precision.low >= wanted - far) return undefined;
  const advice = labels < pairs ? '; judge more pairs' : '';
  return `From ${numbers.counted(labels, 'label')}, this precision may also be ${low} %${advice}.`;
}
