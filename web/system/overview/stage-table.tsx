import * as numbers from '../../ui/numbers.ts';
import { Scrollable } from '../../ui/scrollable.tsx';
import type { MetricLine } from './metric-lines.ts';
import { type Mode, modes, stageNames, stageTimesOf } from './stage-times.ts';

const modeNames: Record<Mode, string> = { single: 'Single requests', batch: 'Batches' };

export function StageTable({ lines }: { lines: readonly MetricLine[] }) {
  const stages = stageTimesOf(lines);
  if (stages.length === 0) return null;
  return (
    <section class="card" aria-labelledby="stages">
      <h2 id="stages">Time in each stage</h2>
      <Scrollable label="Table of stages">
        <table class="stage-table">
          <thead>
            <tr>
              <th scope="col">Stage</th>
              {modes.map((mode) => (
                <th key={mode} scope="col">
                  {modeNames[mode]}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {stages.map(({ stage, modes: times }) => (
              <tr key={stage}>
                <th scope="row">{stageNames[stage]}</th>
                {modes.map((mode) => (
                  <td key={mode}>
                    <Time time={times[mode]} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scrollable>
      <p class="fine soft">
        Mean times since this process started. Each request and each batch downloads its images. Images and texts with
        cached embeddings, from earlier scores, skip decoding, the wait and the model. Storing runs once for each chunk
        of a batch.
        {stages.every(({ modes: times }) => times.batch === undefined) &&
          ' This process has not evaluated a batch; separate worker processes have their own figures.'}
      </p>
    </section>
  );
}

function Time({ time }: { time: { count: number; meanMs: number } | undefined }) {
  if (time === undefined) return <span class="soft">–</span>;
  return (
    <>
      {numbers.milliseconds(time.meanMs)} <span class="fine soft">({numbers.counted(time.count, 'time')})</span>
    </>
  );
}
