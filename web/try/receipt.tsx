import { Fact } from '../ui/fact.tsx';
import * as numbers from '../ui/numbers.ts';
import type { ScoreResult } from './scoring.ts';

const stages = [
  ['fetchMs', 'Download'],
  ['decodeMs', 'Decode'],
  ['inferenceMs', 'Inference'],
  ['totalMs', 'Total'],
] as const;

export function TimingsBox({ timings }: { timings: ScoreResult['timings'] }) {
  const longest = Math.max(1, ...stages.map(([stage]) => timings[stage]));
  return (
    <section aria-labelledby="timings">
      <h3 id="timings">Timings</h3>
      <dl class="timings">
        {stages.map(([stage, name]) => (
          <div key={stage}>
            <dt>{name}</dt>
            <dd>
              <span class="time-bar" style={{ width: `${(timings[stage] / longest) * 100}%` }} />
              <span class="num">{numbers.tenthsOfMs(timings[stage])}</span>
            </dd>
          </div>
        ))}
      </dl>
      <p class="fine soft">
        Image and text are processed in parallel, so the stages may add up to more than the total.
      </p>
    </section>
  );
}

/** The names that users see for the parts of a receipt. */
const partNames: Record<keyof Omit<ScoreResult['receipt'], 'warnings'>, string> = {
  model: 'Model',
  revision: 'Revision',
  precision: 'Precision',
  preprocess: 'Preprocessing',
  textCleaning: 'Text cleaning',
  provider: 'Runs on',
  traceId: 'Trace id',
};

export function ReceiptBox({ receipt }: { receipt: ScoreResult['receipt'] }) {
  const { warnings, ...parts } = receipt;
  return (
    <section aria-labelledby="receipt">
      <h3 id="receipt">Receipt</h3>
      <dl class="facts">
        {(Object.keys(partNames) as (keyof typeof parts)[]).map((part) => (
          <Fact key={part} name={partNames[part]}>
            {parts[part]}
          </Fact>
        ))}
        <Fact name="Warnings">{warnings.length === 0 ? 'none' : warnings.join('; ')}</Fact>
      </dl>
      <p class="fine soft">Store the receipt with the score: it identifies the model that produced it.</p>
    </section>
  );
}
