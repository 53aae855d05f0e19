import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { BatchComparison, Disagreement } from '../../../shared/contracts/comparison.ts';
import * as numbers from '../../ui/numbers.ts';
import { ComparedPairs } from './compared-pairs.tsx';
import { distinctOf } from './distinct-disagreements.ts';

/** The maximum number of pairs in a column. */
const shown = 12;

/** The pairs that differ most between the two batches, in two columns. */
export function Disagreements({
  status,
  comparison: { disagreements },
  names,
  isSameScale,
  images,
}: {
  status: BatchStatus;
  comparison: BatchComparison;
  names: [here: string, there: string];
  /** True when one model scored both batches. Pairs whose shown scores are equal are then left out. */
  isSameScale: boolean;
  images: boolean;
}) {
  const [here, there] = names;
  const differing = (pairs: Disagreement[]) =>
    distinctOf(pairs)
      .filter(({ score, otherScore }) => !isSameScale || numbers.score(score) !== numbers.score(otherScore))
      .slice(0, shown);
  return (
    <div class="two pair-lists">
      <div>
        <h3>
          Higher with <bdi>{here}</bdi>
        </h3>
        <ComparedPairs status={status} pairs={differing(disagreements.higherHere)} names={names} images={images} />
      </div>
      <div>
        <h3>
          Higher with <bdi>{there}</bdi>
        </h3>
        <ComparedPairs status={status} pairs={differing(disagreements.higherThere)} names={names} images={images} />
      </div>
    </div>
  );
}
