import type { BatchSummary } from '../../../shared/contracts/batch/summary.ts';
import { NumberField } from '../../ui/number-field.tsx';
import * as numbers from '../../ui/numbers.ts';
import { step, toStep } from './distribution.ts';
import { useBestShare } from './use-best-share.ts';

const shownPercents = [5, 25, 50, 75, 95];

export function ThresholdControls({
  summary,
  range: [from, to],
  threshold,
  share,
  isRunning,
  onThreshold,
}: {
  summary: BatchSummary;
  range: [number, number];
  threshold: number;
  /** The share of scored pairs that reach the threshold. */
  share: number;
  isRunning: boolean;
  onThreshold: (threshold: number) => void;
}) {
  const best = useBestShare(summary, threshold, isRunning, onThreshold);
  return (
    <div class="threshold-fields">
      <NumberField label="Keep from" value={threshold} min={from} max={to} step={step} onChange={onThreshold} />
      <NumberField
        label="Keep the best … %"
        value={best.percent ?? Number((100 * share).toFixed(1))}
        min={0}
        max={100}
        step="any"
        onChange={best.keep}
      />
      <div class="percentiles">
        <span class="fine soft">Percentiles</span>
        <ul>
          {summary.percentiles
            .filter(({ percent }) => shownPercents.includes(percent))
            .map(({ percent, score }) => (
              <li key={percent}>
                <button type="button" class="quiet" onClick={() => onThreshold(toStep(score))}>
                  {percent === 50 ? 'median' : `${percent} %`} <span class="num">{numbers.score(score)}</span>
                </button>
              </li>
            ))}
        </ul>
      </div>
    </div>
  );
}
