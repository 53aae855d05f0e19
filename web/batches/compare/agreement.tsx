import type { BatchComparison } from '../../../shared/contracts/comparison.ts';
import { Fact } from '../../ui/fact.tsx';
import * as numbers from '../../ui/numbers.ts';

export function Agreement({ comparison, isSameModel }: { comparison: BatchComparison; isSameModel: boolean }) {
  const { compared, items, rankCorrelation, meanDifference, meanAbsoluteDifference } = comparison;
  return (
    <div class="stack">
      <p class="verdict">
        Rank correlation <strong class="num">{rankCorrelation === null ? '–' : rankCorrelation.toFixed(3)}</strong>
        {rankCorrelation !== null && <span class="soft">: {agreementWords(rankCorrelation)}</span>}
      </p>
      <dl class="facts">
        <Fact name="Compared">
          {numbers.count(compared)} of {numbers.count(items)} items
        </Fact>
        {meanDifference !== null && (
          <Fact name="Mean difference">
            {signed(meanDifference)} points
            {!isSameModel && <span class="soft"> (scales differ between models)</span>}
          </Fact>
        )}
        {meanAbsoluteDifference !== null && isSameModel && (
          <Fact name="Mean absolute difference">{meanAbsoluteDifference.toFixed(2)} points</Fact>
        )}
      </dl>
    </div>
  );
}

/** Describes a rank correlation (-1 to 1) in words. */
export function agreementWords(correlation: number): string {
  if (correlation >= 0.95) return 'nearly the same order';
  if (correlation >= 0.8) return 'much the same order';
  if (correlation >= 0.5) return 'partly different orders';
  if (correlation >= 0.2) return 'little in common';
  return correlation > -0.2 ? 'nothing in common' : 'opposite orders';
}

const signed = (value: number): string => `${value > 0 ? '+' : ''}${value.toFixed(2)}`;
