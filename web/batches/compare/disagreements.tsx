import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { BatchComparison } from '../../../shared/contracts/comparison.ts';
import { ComparedPairs } from './compared-pairs.tsx';

/** The pairs that differ most between the two batches, in two columns. */
export function Disagreements({
  status,
  comparison: { disagreements },
  names,
  images,
}: {
  status: BatchStatus;
  comparison: BatchComparison;
  names: [here: string, there: string];
  images: boolean;
}) {
  const [here, there] = names;
  return (
    <div class="two">
      <div>
        <h3>
          Higher with <bdi>{here}</bdi>
        </h3>
        <ComparedPairs status={status} pairs={disagreements.higherHere} names={names} images={images} />
      </div>
      <div>
        <h3>
          Higher with <bdi>{there}</bdi>
        </h3>
        <ComparedPairs status={status} pairs={disagreements.higherThere} names={names} images={images} />
      </div>
    </div>
  );
}
