import * as numbers from '../../ui/numbers.ts';
import { step, toStep } from './distribution.ts';

/** A slider below the chart, with its handle under the threshold line. With Shift, the arrow keys move it by 1. */
export function ThresholdSlider({
  range: [from, to],
  threshold,
  passing,
  onThreshold,
}: {
  range: [number, number];
  threshold: number;
  passing: number;
  onThreshold: (threshold: number) => void;
}) {
  return (
    <input
      class="threshold-slider"
      type="range"
      min={from}
      max={to}
      step={step}
      value={threshold}
      style={{ '--at': (threshold - from) / (to - from) }}
      aria-label="Threshold"
      aria-valuetext={`${threshold}: ${numbers.count(passing)} pass`}
      onInput={(event) => onThreshold(toStep(event.currentTarget.valueAsNumber))}
      onKeyDown={(event) => {
        const move = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
        if (move === undefined || !event.shiftKey) return;
        event.preventDefault();
        onThreshold(Math.min(to, Math.max(from, toStep(threshold + move))));
      }}
    />
  );
}
