import type { ResultsPage } from '../../../shared/contracts/batch/results.ts';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { fetchJson } from '../../http/client.ts';
import { usePolled } from '../../http/use-polled.ts';
import { addressOf } from '../../shell/route.ts';
import * as numbers from '../../ui/numbers.ts';
import { PolledState } from '../../ui/polled-state.tsx';
import { apiQuery, readQuery } from '../explorer/query.ts';
import { type ComparedPair, ComparedPairs } from './compared-pairs.tsx';
import { listQueryOf, type Side } from './query.ts';
import type { Compared } from './use-comparison.ts';

/** The number of pairs shown from each group. */
const shown = 8;

/** Shows how many pairs reach the threshold in each batch, and examples that reach it in only one. */
export function SidesBox({
  status,
  compared: { comparison, other },
  isOld,
  names,
  images,
}: {
  status: BatchStatus;
  compared: Compared;
  /** True if the figures are not those of the chosen thresholds. */
  isOld: boolean;
  names: [here: string, there: string];
  images: boolean;
}) {
  const { sides, compared } = comparison;
  const [here, there] = names;
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
    <section class={`card stack${isOld ? ' old-figures' : ''}`} aria-busy={isOld} aria-labelledby="sides">
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
      <div class="two pair-lists">
        {(['onlyThis', 'onlyOther'] as const).map((side) => (
          <div key={side}>
            <h3>
              Only <bdi>{side === 'onlyThis' ? here : there}</bdi> keeps
            </h3>
            <SidePairs status={status} sides={sides} query={queryOf(side)} names={names} images={images} />
            {sides[side] > shown && (
              <p>
                <a class="fine" href={link(side)}>
                  Show all {numbers.count(sides[side])}
                </a>
              </p>
            )}
          </div>
        ))}
      </div>
    </section>
  );
}

const changeWords = (pairs: number): string =>
  `${numbers.counted(pairs, 'pair')} ${pairs === 1 ? 'changes' : 'change'} sides`;

function SidePairs({
  status,
  sides: { threshold, otherThreshold },
  query,
  names,
  images,
}: {
  status: BatchStatus;
  sides: NonNullable<Compared['comparison']['sides']>;
  query: Record<string, string>;
  names: [here: string, there: string];
  images: boolean;
}) {
  const all = new URLSearchParams({
    ...apiQuery(readQuery(new URLSearchParams(query))),
    distinct: 'pair',
    items: 'true',
    limit: String(shown),
  });
  const path = `v1/evaluation/batch/${status.id}/results?${all}`;
  const polled = usePolled(path, async (signal) => ({
    path,
    pairs: (await fetchJson<ResultsPage>(path, { signal })).results.flatMap(comparedPair),
  }));
  return (
    <>
      <PolledState what="these pairs" polled={polled} />
      {polled.value !== undefined && (
        <div class={polled.value.path === path ? '' : 'old-figures'}>
          <ComparedPairs
            status={status}
            pairs={polled.value.pairs}
            names={names}
            thresholds={[threshold, otherThreshold]}
            images={images}
          />
        </div>
      )}
    </>
  );
}

function comparedPair(result: ItemResult): ComparedPair[] {
  const { index, id, image = null, imageStored, text = '', otherText, otherScore } = result;
  if (result.status !== 'succeeded' || otherScore === undefined) return [];
  return [{ index, id, image, imageStored, text, otherText, score: result.score, otherScore }];
}
