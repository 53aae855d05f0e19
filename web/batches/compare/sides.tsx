import type { ResultsPage } from '../../../shared/contracts/batch/results.ts';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import { fetchJson } from '../../http/client.ts';
import { usePolled } from '../../http/use-polled.ts';
import { addressOf } from '../../shell/route.ts';
import * as numbers from '../../ui/numbers.ts';
import { PolledState } from '../../ui/polled-state.tsx';
import { apiQuery, readQuery } from '../explorer/query.ts';
import { Strip } from '../workbench/strip.tsx';
import { listQueryOf, type Side } from './query.ts';
import type { Compared } from './use-comparison.ts';

/** The number of pairs shown from each group. */
const shown = 8;

/** Shows how many pairs reach the threshold in each batch, and examples that reach it in only one. */
export function SidesBox({
  status,
  compared: { comparison, other },
  names: [here, there],
  images,
}: {
  status: BatchStatus;
  compared: Compared;
  names: [here: string, there: string];
  images: boolean;
}) {
  const { sides, compared } = comparison;
  if (sides === null) return null;
  const queryOf = (side: Side) => listQueryOf(side, other.id, sides.threshold, sides.otherThreshold);
  const link = (side: Side) => `${addressOf.batch(status.id, 'pairs')}?${new URLSearchParams(queryOf(side))}`;
  const cell = (side: Side) => (
    <td>
      <a href={link(side)} class="num">
        {numbers.count(sides[side])}
      </a>
      <span class="fine soft"> {numbers.percent(sides[side] / Math.max(1, compared))}</span>
    </td>
  );
  return (
    <section class="card stack" aria-labelledby="sides">
      <h2 id="sides">{changeWords(sides.onlyThis + sides.onlyOther)}</h2>
      <table class="sides">
        <thead>
          <tr>
            <td />
            <th scope="col">
              <bdi>{there}</bdi> keeps it, from {numbers.threshold(sides.otherThreshold)}
            </th>
            <th scope="col">
              <bdi>{there}</bdi> leaves it out
            </th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row">
              <bdi>{here}</bdi> keeps it, from {numbers.threshold(sides.threshold)}
            </th>
            {cell('both')}
            {cell('onlyThis')}
          </tr>
          <tr>
            <th scope="row">
              <bdi>{here}</bdi> leaves it out
            </th>
            {cell('onlyOther')}
            {cell('neither')}
          </tr>
        </tbody>
      </table>
      <h3>
        Only <bdi>{here}</bdi> keeps {sides.onlyThis > 0 && <AllOfThem href={link('onlyThis')} />}
      </h3>
      <SideStrip status={status} threshold={sides.threshold} query={queryOf('onlyThis')} images={images} />
      <h3>
        Only <bdi>{there}</bdi> keeps {sides.onlyOther > 0 && <AllOfThem href={link('onlyOther')} />}
      </h3>
      <SideStrip status={status} threshold={sides.threshold} query={queryOf('onlyOther')} images={images} />
    </section>
  );
}

const changeWords = (pairs: number): string =>
  `${numbers.counted(pairs, 'pair')} ${pairs === 1 ? 'changes' : 'change'} sides`;

function AllOfThem({ href }: { href: string }) {
  return (
    <a class="fine" href={href}>
      all of them
    </a>
  );
}

function SideStrip({
  status,
  threshold,
  query,
  images,
}: {
  status: BatchStatus;
  threshold: number;
  query: Record<string, string>;
  images: boolean;
}) {
  const all = new URLSearchParams({
    ...apiQuery(readQuery(new URLSearchParams(query))),
    items: 'true',
    limit: String(shown),
  });
  const path = `v1/evaluation/batch/${status.id}/results?${all}`;
  const polled = usePolled(path, async (signal) => (await fetchJson<ResultsPage>(path, { signal })).results);
  return (
    <>
      <PolledState what="these pairs" polled={polled} />
      {polled.value !== undefined && (
        <Strip status={status} threshold={threshold} pairs={polled.value} images={images} />
      )}
    </>
  );
}
