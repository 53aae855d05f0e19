import { useRef } from 'preact/hooks';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { BatchSummary } from '../../../shared/contracts/batch/summary.ts';
import * as numbers from '../../ui/numbers.ts';
import { bandOf, rangeWords, type Scale } from '../../ui/scale.ts';
import { Chart } from './chart.tsx';
import { ThresholdControls } from './controls.tsx';
import { countPassing, rangeOf } from './distribution.ts';
import { ThresholdSlider } from './slider.tsx';
import { AtTheLine } from './strips.tsx';
import { useNeighbours } from './use-neighbours.ts';
import { useThreshold } from './use-threshold.ts';
import { useWrongPairs } from './use-wrong-pairs.ts';
import { reachWord, scoreCountWords } from './words.ts';
import { WrongPairsBox } from './wrong-pairs-box.tsx';

export function Workbench({
  status,
  summary,
  scale,
  isInterrupted,
}: {
  status: BatchStatus;
  summary: BatchSummary;
  scale: Scale;
  /** True while the connection is lost. */
  isInterrupted: boolean;
}) {
  const { histogram, succeeded, mean } = summary;
  const [threshold, setThreshold] = useThreshold(scale);
  const wrong = useWrongPairs(status);
  const behind = wrong.value?.summary.histogram ?? [];
  // The axis does not shrink while the view is open: it would move below the pointer that drags the line.
  const highest = useRef(0);
  highest.current = Math.max(highest.current, threshold);
  const range = rangeOf([...histogram, ...behind], scale, highest.current);
  const estimated = countPassing(histogram, threshold);
  const isRunning = status.finishedAt === null;
  const read = useNeighbours(summary, threshold, isRunning, isInterrupted);
  const exact = read.neighbours?.threshold === threshold ? read.neighbours.passing : undefined;
  const passing = estimated.isExact ? estimated.count : (exact ?? estimated.count);
  const isExact = estimated.isExact || exact !== undefined;
  const share = succeeded === 0 ? 0 : passing / succeeded;
  // The bands of a model explain the initial threshold. Next to a threshold from labels they would contradict it.
  const band = threshold === scale.threshold ? bandOf(scale, threshold) : undefined;
  return (
    <>
      <section class="card" aria-labelledby="workbench">
        <div class="heading">
          <h2 id="workbench">Choose a threshold</h2>
          {mean !== null && <p class="soft">{scoreCountWords(succeeded, mean.score, isRunning)}</p>}
        </div>
        {status.traffic !== null && <p class="notice">{scale.note}</p>}
        <p class="verdict" role="status">
          {!isExact && <span class="soft">about </span>}
          <strong class="num">{numbers.count(passing)}</strong> of {numbers.counted(succeeded, 'pair')}
          {isRunning && ' read so far'} ({numbers.percent(share)}) {reachWord(passing)}{' '}
          <strong class="num">{numbers.threshold(threshold)}</strong>
          {band !== undefined && (
            <span class="soft">
              , usually “{band.word}” ({rangeWords(scale, band)})
            </span>
          )}
        </p>
        <Chart histogram={histogram} behind={behind} range={range} threshold={threshold} onThreshold={setThreshold}>
          <ThresholdSlider range={range} threshold={threshold} passing={passing} onThreshold={setThreshold} />
        </Chart>
        <ThresholdControls
          summary={summary}
          range={range}
          threshold={threshold}
          share={share}
          isRunning={isRunning}
          onThreshold={setThreshold}
        />
        <WrongPairsBox status={status} threshold={threshold} wrong={wrong} />
        {status.traffic === null && <p class="fine soft">{scale.note}</p>}
      </section>
      <AtTheLine status={status} threshold={threshold} read={read} />
    </>
  );
}
