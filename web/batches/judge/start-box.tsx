import { useEffect, useRef, useState } from 'preact/hooks';
import type { BatchSummary } from '../../../shared/contracts/batch/summary.ts';
import type { RequestFailed } from '../../http/client.ts';
import * as numbers from '../../ui/numbers.ts';
import { ProblemBox } from '../../ui/problem.tsx';
import type { Scale } from '../../ui/scale.ts';
import { drawFrom } from '../workbench/ranked.ts';
import { useThreshold } from '../workbench/use-threshold.ts';
import type { StoredSample } from './labelled-sample.ts';
import { sampleSize, takeSample } from './sample.ts';
import { startSample } from './sample-requests.ts';
import { tooFewWords } from './too-few-pairs.ts';
import { useFirstPairs } from './use-first-pairs.ts';

/** Explains the sample, and begins one. */
export function StartBox({
  isRunning,
  summary,
  scale,
  onStart,
  onOther,
  onColumn,
}: {
  isRunning: boolean;
  summary: BatchSummary;
  scale: Scale;
  onStart: (sample: StoredSample) => void;
  /** Called when another person has begun a sample meanwhile. */
  onOther: () => void;
  /** Called when the labels of a column of the input shall replace the sample. */
  onColumn: (column: string) => void;
}) {
  const [threshold] = useThreshold(scale);
  const { tooFew, blind, column } = useFirstPairs(summary);
  const pairsToJudge = sampleSize(summary, threshold);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<RequestFailed>();
  const gone = useRef(new AbortController());
  useEffect(() => () => gone.current.abort(), []);

  async function start(): Promise<void> {
    setBusy(true);
    setFailure(undefined);
    const { signal } = gone.current;
    try {
      const taken = await takeSample(summary, threshold, drawFrom(summary.id, signal));
      const { edges, pairs } = taken;
      const sample = await startSample(summary.id, { threshold, edges, indexes: pairs.map(({ index }) => index) });
      if (!signal.aborted) return onStart({ ...taken, threshold, sample });
    } catch (error) {
      if (signal.aborted) return;
      const refused = error as RequestFailed;
      if (refused.status === 409) return onOther();
      setFailure(refused);
    }
    setBusy(false);
  }

  return (
    <section class="card" aria-labelledby="judge">
      <h2 id="judge">Judge a sample</h2>
      <p>
        Judge about {numbers.counted(roughly(pairsToJudge), 'pair')} around {numbers.threshold(threshold)}: does the
        text describe the image? The page then estimates how many of the kept pairs are right, and how many of the right
        pairs are kept. Scores stay hidden while you judge.
      </p>
      {isRunning && (
        <p class="notice">The batch is running. The sample is drawn from the pairs that have a score so far.</p>
      )}
      {tooFew !== undefined && <p class="notice">{tooFewWords('This batch', tooFew, 'different pair')}</p>}
      {blind !== undefined && <p class="notice">{blind}</p>}
      <p class="actions">
        <button type="button" class="primary" disabled={busy} onClick={() => void start()}>
          {busy ? 'Reading…' : 'Start'}
        </button>
        {column !== undefined && (
          <button type="button" disabled={busy} onClick={() => onColumn(column)}>
            Use the column “{column}”
          </button>
        )}
      </p>
      <p class="fine soft">
        The service stores the labels with the batch, and deletes them with it. Everybody who can open the batch can
        continue them.
      </p>
      {failure !== undefined && <ProblemBox failure={failure} />}
    </section>
  );
}

/** The drawn sample may have a few pairs more or less, so a large number is rounded to tens. */
const roughly = (pairs: number): number => (pairs < 20 ? pairs : 10 * Math.round(pairs / 10));
