import { useState } from 'preact/hooks';
import type { BatchSummary } from '../../shared/contracts/batch.ts';
import { numberInHash, setNumberInHash } from '../shell/route.ts';
import * as numbers from '../ui/numbers.ts';
import { bandOf, type Scale } from '../ui/scale.ts';
import { countPassing, passes, rangeOf } from './threshold.ts';

/** Shows the distribution of the scores, and how many reach a threshold that a slider sets. */
export function HistogramBox({
  summary,
  scale,
  onDownloadPassing,
}: {
  summary: BatchSummary;
  scale: Scale;
  onDownloadPassing: (threshold: number) => void;
}) {
  const [threshold, setThreshold] = useState(() => numberInHash('threshold') ?? scale.threshold);
  const [from, to] = rangeOf(summary.histogram, scale);
  const most = Math.max(1, ...summary.histogram.map(({ count }) => count));
  const left = (score: number) => `${((score - from) / (to - from)) * 100}%`;
  const at = Math.min(to, Math.max(from, threshold));
  const pass = countPassing(summary.histogram, at);
  const band = bandOf(scale, at);

  function move(value: number): void {
    setThreshold(value);
    setNumberInHash('threshold', value);
  }

  return (
    <section class="card" aria-labelledby="histogram">
      <h2 id="histogram">Scores</h2>
      {summary.mean !== null && (
        <p class="soft">
          {numbers.count(summary.succeeded)} scored, {numbers.score(summary.mean.score)} on average.
        </p>
      )}
      <div class="histogram" aria-hidden="true">
        {summary.histogram.map((bin) => (
          <span
            key={bin.from}
            class={passes(bin, at) ? 'bin passes' : 'bin'}
            style={{
              left: left(bin.from * 100),
              width: `${(100 * (bin.to - bin.from) * 100) / (to - from)}%`,
              height: `${bin.count === 0 ? 0 : Math.max(1, (bin.count / most) * 100)}%`,
            }}
          />
        ))}
        <span class="threshold" style={{ left: left(at) }} />
      </div>
      <input
        class="threshold-slider"
        type="range"
        min={from}
        max={to}
        step={1}
        value={at}
        aria-label="Threshold"
        aria-valuetext={`${at}: ${numbers.count(pass)} pass`}
        onInput={(event) => move(event.currentTarget.valueAsNumber)}
      />
      <div class="ticks" aria-hidden="true">
        {ticksOf(from, to).map((tick) => (
          <span key={tick} style={{ left: left(tick) }}>
            {tick}
          </span>
        ))}
      </div>
      <p class="verdict">
        <strong class="num">{numbers.count(pass)}</strong> of {numbers.count(summary.succeeded)} scored items (
        {numbers.percent(summary.succeeded === 0 ? 0 : pass / summary.succeeded)}) reach{' '}
        <strong class="num">{at}</strong>
        {band !== undefined && (
          <span class="soft">
            , where “{band.word}” {band.from === at ? 'starts' : 'has started'}
          </span>
        )}
        .
      </p>
      <p class="actions">
        <button type="button" onClick={() => onDownloadPassing(at)} disabled={pass === 0}>
          Download passing rows
        </button>
        <span class="fine soft">The rows with a score of at least {at}, as CSV.</span>
      </p>
      <p class="fine soft">{scale.note}</p>
    </section>
  );
}

function ticksOf(from: number, to: number): number[] {
  const step = to - from > 60 ? 20 : to - from > 30 ? 10 : 5;
  const first = Math.ceil(from / step) * step;
  return Array.from({ length: Math.floor((to - first) / step) + 1 }, (_, at) => first + at * step);
}
