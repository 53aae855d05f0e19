import type { BatchStatus } from '../../../shared/contracts/batch.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { addressOf } from '../../shell/route.ts';
import { Thumbnail } from '../../ui/thumbnail.tsx';
import { ScoreCell, scaleOfBatch } from '../explorer/cells.tsx';

/** Shows pairs as a row of tiles. */
export function Strip({ status, pairs, images }: { status: BatchStatus; pairs: ItemResult[]; images: boolean }) {
  const scale = scaleOfBatch(status);
  if (pairs.length === 0) return <p class="soft">No pairs.</p>;
  return (
    <ul class="strip">
      {pairs.map((result) => (
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
