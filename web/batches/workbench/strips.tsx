import type { BatchStatus } from '../../../shared/contracts/batch.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { addressOf } from '../../shell/route.ts';
import { useSession } from '../../shell/session.tsx';
import * as numbers from '../../ui/numbers.ts';
import { ImagesSwitch, useImageDisplay } from '../../ui/pairs.tsx';
import { Thumbnail } from '../../ui/thumbnail.tsx';
import { ScoreCell, scaleOfBatch, scoreIn } from '../explorer/cells.tsx';
import { justBelow } from './distribution.ts';
import type { Neighbours } from './use-neighbours.ts';

/** Shows the pairs just below and just above the threshold. */
export function Strips({
  status,
  threshold,
  neighbours: { below, above },
}: {
  status: BatchStatus;
  threshold: number;
  neighbours: Neighbours;
}) {
  const images = useImageDisplay(useSession()?.tenant === status.tenant);
  const list = addressOf.batch(status.id, 'pairs');
  const at = numbers.score(threshold);
  return (
    <section class="card" aria-labelledby="at-the-line">
      <div class="heading">
        <h2 id="at-the-line">At the line</h2>
        <ImagesSwitch images={images} />
      </div>
      <h3>
        Just below {at}: left out{' '}
        <a class="fine" href={`${list}?sort=-score&max=${justBelow(threshold)}&threshold=${threshold}`}>
          all of them
        </a>
      </h3>
      <Strip status={status} pairs={below} images={images.shown} />
      <h3>
        Just above {at}: kept{' '}
        <a class="fine" href={`${list}?sort=score&min=${threshold}&threshold=${threshold}`}>
          all of them
        </a>
      </h3>
      <Strip status={status} pairs={above} images={images.shown} />
    </section>
  );
}

function Strip({ status, pairs, images }: { status: BatchStatus; pairs: ItemResult[]; images: boolean }) {
  const scale = scaleOfBatch(status);
  if (pairs.length === 0) return <p class="soft">No pairs.</p>;
  return (
    <ul class="strip">
      {pairs
        .toSorted((a, b) => (scoreIn(a) ?? 0) - (scoreIn(b) ?? 0))
        .map((result) => (
          <li key={result.index} class="tile">
            <div class="tile-image">
              <Thumbnail image={result.image ?? null} shown={images} />
            </div>
            <a
              class="row-link"
              href={`${addressOf.batch(status.id, 'pairs')}?q=${encodeURIComponent(queryOf(result))}&pair=${result.index}`}
            >
              <span class="pair-text" dir="auto">
                {result.text === '' ? 'no text' : (result.text ?? '').slice(0, 200)}
              </span>
            </a>
            <ScoreCell result={result} scale={scale} decimals={2} />
          </li>
        ))}
    </ul>
  );
}

/** Returns a search that finds the pair. */
const queryOf = ({ id, text = '' }: ItemResult): string => id ?? text.slice(0, 60);
