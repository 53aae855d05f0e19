import { useState } from 'preact/hooks';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import { addressOf } from '../../shell/route.ts';
import * as numbers from '../../ui/numbers.ts';
import { ProblemBox } from '../../ui/problem.tsx';
import { WaitingNote } from '../../ui/waiting.tsx';
import { countPassing } from './distribution.ts';
import type { useWrongPairs } from './use-wrong-pairs.ts';
import { hasWrongPairs, postedWords, scoredWords, wrongPairsName } from './wrong-pairs-words.ts';

/** Shows how many wrong pairs (images with the texts of other items) reach the threshold, or offers to score some. */
export function WrongPairsBox({
  status,
  threshold,
  wrong: { value, isLoading, failure, start },
}: {
  status: BatchStatus;
  threshold: number;
  wrong: ReturnType<typeof useWrongPairs>;
}) {
  const [busy, setBusy] = useState(false);
  if (!hasWrongPairs(status)) return null;
  if (failure !== undefined) return <ProblemBox failure={failure} />;
  if (value === undefined) {
    if (isLoading) return <WaitingNote what="the scores of wrong pairs" />;
    if (status.finishedAt === null) return null;
    return (
      <p class="wrong-pairs actions">
        <button
          type="button"
          disabled={busy}
          onClick={() => {
            setBusy(true);
            void start().finally(() => setBusy(false));
          }}
        >
          {busy ? 'Posting…' : 'Show the scores of wrong pairs'}
        </button>
        {busy && <WaitingNote what="the new batch" />}
        <span class="fine soft">
          This creates the batch “<bdi>{wrongPairsName(status)}</bdi>” of {postedWords(status)}
        </span>
      </p>
    );
  }
  const { items, id, finishedAt } = value.status;
  const link = <a href={addressOf.batch(id)}>Open them</a>;
  if (finishedAt === null) {
    return (
      <p class="wrong-pairs soft" role="status">
        Scoring wrong pairs: {numbers.count(items.total - items.pending)} of {numbers.count(items.total)} posted. {link}
      </p>
    );
  }
  const { succeeded, histogram, percentiles } = value.summary;
  if (succeeded === 0) return <p class="wrong-pairs soft">No wrong pair could be scored. {link}</p>;
  const { count } = countPassing(histogram, threshold);
  const at = (percent: number) => percentiles.find((each) => each.percent === percent)?.score;
  const [middle, high] = [at(50), at(99)];
  return (
    <p class="wrong-pairs">
      <span class="key" aria-hidden="true" /> Wrong pairs: <strong>{numbers.percent(count / succeeded)}</strong> of{' '}
      {scoredWords({ total: items.total, succeeded })} reach {numbers.threshold(threshold)}
      {middle !== undefined && high !== undefined && (
        <span class="soft">
          ; median {numbers.score(middle)}, 99th percentile {numbers.score(high)}
        </span>
      )}
      . {link}
    </p>
  );
}
