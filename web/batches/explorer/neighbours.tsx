import { useEffect, useState } from 'preact/hooks';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { hashWith } from '../../shell/hash-query.ts';
import { readNear } from '../workbench/ranked.ts';
import { scaleOfBatch } from './cells.tsx';
import { PairTile } from './pair-tile.tsx';

/** Pairs shown on each side of the open pair. */
const shown = 3;

/** The pairs with the nearest scores to the open pair, the lowest score first. */
export function NeighboursByScore({
  status,
  index,
  score,
  images,
}: {
  status: BatchStatus;
  index: number;
  score: number;
  images: boolean;
}) {
  const [pairs, setPairs] = useState<ItemResult[]>();
  useEffect(() => {
    const gone = new AbortController();
    const look = async () => {
      const [above, below] = await Promise.all([
        // One more, because the results include the open pair.
        readNear(status.id, 'above', score, shown + 1, gone.signal),
        score <= 0 ? undefined : readNear(status.id, 'below', score, shown, gone.signal),
      ]);
      const higher = above.results.filter((each) => each.index !== index).slice(0, shown);
      setPairs([...(below?.results ?? []).toReversed(), ...higher]);
    };
    // If the request fails, nothing is shown here. The list of pairs shows the error.
    void look().catch(() => {});
    return () => gone.abort();
  }, [status.id, index, score]);
  if (pairs === undefined || pairs.length === 0) return null;
  const scale = scaleOfBatch(status);
  return (
    <section aria-labelledby="pair-neighbours">
      <h3 id="pair-neighbours">Pairs with the nearest scores</h3>
      <ul class="strip">
        {pairs.map((result) => (
          <PairTile
            key={result.index}
            result={result}
            href={hashWith({ pair: String(result.index) })}
            images={images}
            scale={scale}
            edges={[score]}
            decimals={2}
          />
        ))}
      </ul>
    </section>
  );
}
