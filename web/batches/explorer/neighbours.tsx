import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { usePolled } from '../../http/use-polled.ts';
import { hashWith } from '../../shell/hash-query.ts';
import { PolledState } from '../../ui/polled-state.tsx';
import { scaleOfBatch } from '../batch-scale.ts';
import { readNearest } from '../workbench/near.ts';
import { pairReader } from '../workbench/ranked.ts';
import { PairTile } from './pair-tile.tsx';

/** Pairs shown on each side of the open pair. */
const shown = 3;

/** The distinct pairs with the nearest scores to the open pair, the lowest score first. */
export function NeighboursByScore({
  status,
  open,
  images,
}: {
  status: BatchStatus;
  open: ItemResult & { status: 'succeeded' };
  images: boolean;
}) {
  const polled = usePolled(`${status.id} ${open.index}`, (signal) =>
    readNearest(pairReader(status.id, signal), open, shown),
  );
  const scale = scaleOfBatch(status);
  return (
    <section aria-labelledby="pair-neighbours">
      <h3 id="pair-neighbours">Pairs with the nearest scores</h3>
      <PolledState what="the pairs with the nearest scores" polled={polled} />
      {polled.value?.length === 0 && <p class="soft">The batch has no other pair with a score.</p>}
      <ul class="strip">
        {polled.value?.map((result) => (
          <PairTile
            key={result.index}
            batch={status.id}
            result={result}
            href={hashWith({ pair: String(result.index) })}
            images={images}
            scale={scale}
            edges={[open.score]}
            decimals={2}
          />
        ))}
      </ul>
    </section>
  );
}
