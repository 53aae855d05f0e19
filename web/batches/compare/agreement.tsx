import type { BatchComparison } from '../../../shared/contracts/comparison.ts';
import { Fact } from '../../ui/fact.tsx';
import * as numbers from '../../ui/numbers.ts';
import { agreementWords } from './agreement-words.ts';

export function Agreement({
  comparison,
  names: [here, there],
  isSameModel,
}: {
  comparison: BatchComparison;
  names: [here: string, there: string];
  isSameModel: boolean;
}) {
  const { compared, items, rankCorrelation, meanDifference, meanAbsoluteDifference } = comparison;
  const words = agreementWords(comparison);
  return (
    <div class="stack">
      <p class="verdict">
        Rank correlation{' '}
        <strong class="num">{rankCorrelation === null ? '–' : numbers.decimal(rankCorrelation, 3)}</strong>
        {words !== undefined && <span class="soft">: {words}</span>}
      </p>
      <dl class="facts">
        <Fact name="Compared">
          {numbers.count(compared)} of {numbers.counted(items, 'item')}
        </Fact>
        {meanDifference !== null && (
          <Fact name="Mean difference">
            {numbers.signed(meanDifference)} points
            <span class="soft">
              , <bdi>{here}</bdi> minus <bdi>{there}</bdi>
              {!isSameModel && ' (scales differ between models)'}
            </span>
          </Fact>
        )}
        {meanAbsoluteDifference !== null && isSameModel && (
          <Fact name="Mean absolute difference">{meanAbsoluteDifference.toFixed(2)} points</Fact>
        )}
      </dl>
    </div>
  );
}
