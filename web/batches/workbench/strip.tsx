import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { scaleOfBatch } from '../batch-scale.ts';
import { pairAddress } from '../explorer/pair-address.ts';
import { PairTile } from '../explorer/pair-tile.tsx';

export function Strip({
  status,
  pairs,
  threshold,
  images,
}: {
  status: BatchStatus;
  pairs: ItemResult[];
  threshold: number;
  images: boolean;
}) {
  const scale = scaleOfBatch(status);
  if (pairs.length === 0) return <p class="soft">No pairs.</p>;
  return (
    <ul class="strip">
      {pairs.map((result) => (
        <PairTile
          key={result.index}
          batch={status.id}
          result={result}
          href={pairAddress(status.id, result)}
          images={images}
          scale={scale}
          edges={[threshold]}
          decimals={2}
        />
      ))}
    </ul>
  );
}
