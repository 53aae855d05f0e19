import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { BatchComparison, Disagreement } from '../../../shared/contracts/comparison.ts';
import * as numbers from '../../ui/numbers.ts';
import { Thumbnail } from '../../ui/thumbnail.tsx';
import { pairAddress } from '../explorer/pair-address.ts';
import { rankWords } from './rank-words.ts';

/** The pairs that the two batches rank most differently, in two columns. */
export function Disagreements({
  status,
  comparison: { disagreements },
  names: [here, there],
  images,
}: {
  status: BatchStatus;
  comparison: BatchComparison;
  names: [here: string, there: string];
  images: boolean;
}) {
  const list = (title: string, items: Disagreement[]) => (
    <div>
      <h3>{title}</h3>
      {items.length === 0 ? (
        <p class="soft">No pairs.</p>
      ) : (
        <ol class="disagreements">
          {items.map((item) => (
            <li key={item.index}>
              <span class="thumb">
                <Thumbnail image={item.image} shown={images} />
              </span>
              <div>
                <a class="row-link" href={pairAddress(status.id, item)}>
                  <span class="pair-text" dir="auto">
                    {item.text === '' ? 'no text' : item.text}
                  </span>
                </a>
                {item.otherText !== undefined && (
                  <p class="fine soft pair-text">
                    <bdi>{there}</bdi>: <bdi>{item.otherText}</bdi>
                  </p>
                )}
                <dl class="ranks">
                  <Rank name={here} score={item.score} rank={item.rank} />
                  <Rank name={there} score={item.otherScore} rank={item.otherRank} />
                </dl>
              </div>
            </li>
          ))}
        </ol>
      )}
    </div>
  );
  return (
    <div class="two">
      {list(`Higher with ${here}`, disagreements.higherHere)}
      {list(`Higher with ${there}`, disagreements.higherThere)}
    </div>
  );
}

function Rank({ name, score, rank }: { name: string; score: number; rank: number }) {
  return (
    <div>
      <dt class="cut" dir="auto">
        {name}
      </dt>
      <dd>
        <span class="num">{numbers.score(score)}</span>
        <span class="mini-bar" aria-hidden="true">
          <span style={{ width: `${100 * rank}%` }} />
        </span>
        <span class="soft">{rankWords(rank)}</span>
      </dd>
    </div>
  );
}
