import { useMemo } from 'preact/hooks';
import type { BatchSummary } from '../../../shared/contracts/batch/summary.ts';
import { usePolled } from '../../http/use-polled.ts';
import { useHashQuery } from '../../shell/hash-query.ts';
import { numberIn } from '../../shell/query.ts';
import { addressOf } from '../../shell/route.ts';
import { Fact } from '../../ui/fact.tsx';
import { NumberField } from '../../ui/number-field.tsx';
import * as numbers from '../../ui/numbers.ts';
import type { Scale } from '../../ui/scale.ts';
import { countPassing, rangeOf, step, toStep } from '../workbench/distribution.ts';
import { pairReader } from '../workbench/ranked.ts';
import { useThreshold } from '../workbench/use-threshold.ts';
import { cautionWords } from './caution-words.ts';
import { type Estimate, estimatorOf, intervalPercents, percentWords } from './estimate.ts';
import type { SampledPair } from './labelled-sample.ts';
import type { Label } from './score-cells.ts';
import { minLabels, tooFewWords } from './too-few-pairs.ts';

export function VerdictBox({
  id,
  summary: { histogram },
  scale,
  pairs,
}: {
  id: string;
  summary: BatchSummary;
  scale: Scale;
  pairs: readonly SampledPair[];
}) {
  const [threshold, setThreshold] = useThreshold(scale);
  const { query, set } = useHashQuery();
  const wanted = Math.min(100, Math.max(1, numberIn(query, 'precision') ?? 95));
  const labels = useMemo<Label[]>(
    () => pairs.flatMap(({ score, isRight }) => (isRight === undefined ? [] : [{ score, isRight }])),
    [pairs],
  );
  const estimator = useMemo(() => estimatorOf(histogram, labels), [histogram, labels]);
  const verdict = useMemo(() => estimator?.judge(threshold), [estimator, threshold]);
  const suggested = useMemo(() => {
    const [, to] = rangeOf(histogram, scale);
    const thresholds = Array.from({ length: Math.round(to / step) }, (_, at) => toStep(at * step));
    return estimator?.suggest(thresholds, wanted / 100);
  }, [estimator, histogram, wanted]);
  const there = useMemo(
    () => (suggested === undefined ? undefined : estimator?.judge(suggested).precision),
    [estimator, suggested],
  );
  const passing = usePassing(id, suggested);
  const caution = there && cautionWords(there, wanted / 100, labels.length, pairs.length);

  return (
    <section class="card" aria-labelledby="judged">
      <h2 id="judged">At the threshold {numbers.threshold(threshold)}</h2>
      {verdict === undefined || labels.length < minLabels ? (
        <p class="soft">
          {tooFewWords('This sample', pairs.length, 'pair') ?? `Precision and recall appear after ${minLabels} labels.`}
        </p>
      ) : (
        <>
          <dl class="facts">
            <Fact name="Precision">
              <Interval estimate={verdict.precision} /> of the kept pairs are right
            </Fact>
            <Fact name="Recall">
              <Interval estimate={verdict.recall} /> of the right pairs are kept
            </Fact>
          </dl>
          <p class="fine soft">In brackets: the 95 % interval, from {numbers.count(labels.length)} labels.</p>
          <NumberField
            label="Wanted precision in %"
            value={wanted}
            min={1}
            max={100}
            step="any"
            onChange={(value) => set({ precision: String(value) })}
          />
          {suggested === undefined || there === undefined ? (
            <p class="soft">
              No threshold reaches {wanted} % with these labels{labels.length < pairs.length && '; judge more pairs'}.
            </p>
          ) : (
            <div class="actions">
              <p>
                Suggested threshold: <strong class="num">{numbers.score(suggested)}</strong>, which keeps{' '}
                {passing === undefined && 'about '}
                {numbers.count(passing ?? countPassing(histogram, suggested).count)} pairs, of which{' '}
                <Interval estimate={there} /> are right
              </p>
              <button type="button" disabled={suggested === threshold} onClick={() => setThreshold(suggested)}>
                Use {numbers.score(suggested)}
              </button>
            </div>
          )}
          {caution !== undefined && <p class="notice">{caution}</p>}
        </>
      )}
      <p>
        <a href={`${addressOf.batch(id)}?threshold=${threshold}`}>Back to the scores and their export</a>
      </p>
    </section>
  );
}

/** Returns the exact number of pairs from a threshold, as the scores show it. Undefined before it is read. */
function usePassing(id: string, threshold: number | undefined): number | undefined {
  const { value } = usePolled(`passing ${id} ${threshold}`, async (signal) => {
    if (threshold === undefined) return undefined;
    const { selected } = await pairReader(id, signal)({ minScore: threshold, sort: 'score', limit: 1 });
    return { threshold, selected };
  });
  // The value of an earlier threshold stays until the new one is read.
  return value?.threshold === threshold ? value?.selected : undefined;
}

function Interval({ estimate }: { estimate: Estimate }) {
  const [low, high] = intervalPercents(estimate);
  return (
    <>
      <strong class="num">{percentWords(estimate.value)} %</strong>{' '}
      <span class="soft">
        ({low} to {high})
      </span>
    </>
  );
}
