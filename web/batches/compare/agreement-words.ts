import type { BatchComparison } from '../../../shared/contracts/comparison.ts';
import * as numbers from '../../ui/numbers.ts';

type Compared = Pick<BatchComparison, 'rankCorrelation' | 'meanAbsoluteDifference' | 'disagreements'>;

/** Describes how far two batches agree on the order of their items. Returns undefined if neither order nor scores tell. */
export function agreementWords({
  rankCorrelation,
  meanAbsoluteDifference,
  disagreements,
}: Compared): string | undefined {
  // The correlation is rounded. Only a comparison without any disagreement has equal orders.
  const isSameOrder = disagreements.higherHere.length + disagreements.higherThere.length === 0;
  if (isSameOrder && meanAbsoluteDifference === 0) return 'all scores are equal';
  if (rankCorrelation === null) return undefined;
  return isSameOrder ? 'the same order' : correlationWords(rankCorrelation);
}

/** Describes a rank correlation (-1 to 1) in words. */
function correlationWords(correlation: number): string {
  if (correlation >= 0.95) return 'nearly the same order';
  if (correlation >= 0.8) return 'much the same order';
  if (correlation >= 0.5) return 'partly different orders';
  if (Math.abs(correlation) < 0.2) return 'nothing in common';
  if (correlation > -0.5) return 'little in common';
  return correlation > -0.8 ? 'partly opposite orders' : 'opposite orders';
}

/**
 * Describes the second threshold, which follows the first.
 * @param compared the number of items that both batches scored.
 * @param isSameScale true when one model scored both batches. The thresholds are equal then. Otherwise the counts are,
 * unless pairs with equal scores prevent it.
 */
export function followedWords(
  { both, onlyThis, onlyOther }: Pick<NonNullable<BatchComparison['sides']>, 'both' | 'onlyThis' | 'onlyOther'>,
  compared: number,
  [here, there]: [here: string, there: string],
  isSameScale: boolean,
): string {
  const [kept, keptThere] = [both + onlyThis, both + onlyOther];
  const scored = `of the ${numbers.counted(compared, 'item')} that both batches scored`;
  const counts = `${scored}, \u2068${here}\u2069 keeps ${numbers.count(kept)}, \u2068${there}\u2069 ${numbers.count(keptThere)}.`;
  if (isSameScale) return `One model scored both batches, so they have the same threshold: ${counts}`;
  if (kept === keptThere) {
    return `The second threshold follows the first: ${scored}, each keeps ${numbers.count(kept)}.`;
  }
  return `The second threshold follows the first. Equal scores prevent the same number: ${counts}`;
}
