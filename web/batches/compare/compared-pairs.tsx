import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import { imageOf } from '../../ui/image-address.ts';
import * as numbers from '../../ui/numbers.ts';
import { Thumbnail } from '../../ui/thumbnail.tsx';
import { NoText } from '../explorer/cells.tsx';
import { pairAddress } from '../explorer/pair-address.ts';
import { rankWords } from './rank-words.ts';

/** A pair with its scores in both batches. `rank` is the share of pairs with a lower score. */
export interface ComparedPair {
  index: number;
  id?: string | undefined;
  image: string | null;
  imageStored?: true | undefined;
  text: string;
  /** The text in the other batch, if it differs. */
  otherText?: string | undefined;
  score: number;
  otherScore: number;
  rank?: number;
  otherRank?: number;
}

export function ComparedPairs({
  status,
  pairs,
  names: [here, there],
  thresholds = [],
  images,
}: {
  status: BatchStatus;
  pairs: readonly ComparedPair[];
  names: [here: string, there: string];
  /** The thresholds of the two batches. Rounding does not move a shown score across its threshold. */
  thresholds?: readonly number[];
  images: boolean;
}) {
  if (pairs.length === 0) return <p class="soft no-pairs">No pairs.</p>;
  const [threshold, otherThreshold] = thresholds;
  return (
    <ol class="disagreements">
      {pairs.map((pair) => (
        <li key={pair.index}>
          <span class="thumb">
            <Thumbnail image={imageOf(status.id, pair)} shown={images} />
          </span>
          <div>
            <a class="row-link" href={pairAddress(status.id, pair)}>
              <span class="pair-text" dir="auto">
                {pair.text.trim() === '' ? <NoText /> : pair.text}
              </span>
            </a>
            {pair.otherText !== undefined && (
              <p class="fine soft pair-text">
                <bdi>{there}</bdi>: <bdi>{pair.otherText.trim() === '' ? <NoText /> : pair.otherText}</bdi>
              </p>
            )}
            <dl class="ranks">
              <Score name={here} score={pair.score} threshold={threshold} rank={pair.rank} />
              <Score name={there} score={pair.otherScore} threshold={otherThreshold} rank={pair.otherRank} />
            </dl>
          </div>
        </li>
      ))}
    </ol>
  );
}

function Score({
  name,
  score,
  threshold,
  rank,
}: {
  name: string;
  score: number;
  threshold: number | undefined;
  rank: number | undefined;
}) {
  return (
    <div>
      <dt class="cut" dir="auto">
        {name}
      </dt>
      <dd>
        <span class="num">{numbers.scoreBetween(score, threshold === undefined ? [] : [threshold])}</span>
        {rank !== undefined && (
          <>
            <span class="mini-bar" aria-hidden="true">
              <span style={{ width: `${100 * rank}%` }} />
            </span>
            <span class="soft">{rankWords(rank)}</span>
          </>
        )}
      </dd>
    </div>
  );
}
