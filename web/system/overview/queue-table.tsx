import type { Health } from '../../../shared/contracts/health.ts';
import * as numbers from '../../ui/numbers.ts';
import { Scrollable } from '../../ui/scrollable.tsx';

/** The queues of batches: one for each profile, and for each model without a profile. */
export function QueueTable({ queues }: { queues: NonNullable<Health['queues']> }) {
  return (
    <section class="card" aria-labelledby="queues">
      <h2 id="queues">Queues</h2>
      <Scrollable label="Table of queues">
        <table>
          <thead>
            <tr>
              <th scope="col">Profile or model</th>
              <th scope="col">Waiting</th>
              <th scope="col">In work</th>
              <th scope="col">Failed</th>
              <th scope="col">Workers</th>
            </tr>
          </thead>
          <tbody>
            {queues.map(({ name, waiting, active, failed, workers }) => (
              <tr key={name} class={waiting + active + failed + workers === 0 ? 'soft' : undefined}>
                <th scope="row">{name.replace(/^evaluate-/, '')}</th>
                <td>{numbers.count(waiting)}</td>
                <td>{numbers.count(active)}</td>
                <td>{numbers.count(failed)}</td>
                <td>{numbers.count(workers)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scrollable>
      <p class="fine soft">Counts of chunks. A chunk is a part of a batch, with up to 64 items.</p>
    </section>
  );
}
