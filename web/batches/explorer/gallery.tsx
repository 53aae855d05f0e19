import { hashWith } from '../../shell/hash-query.ts';
import { PairTile } from './pair-tile.tsx';
import type { RowsProps } from './table.tsx';

/** The height in px of a line of tiles with its gap. The style sheet has the same value. */
export const galleryRowHeight = 272;
const minTileWidth = 200;

export const tilesIn = (width: number): number => Math.max(2, Math.floor(width / minTileWidth));

/** Shows the pairs from number `from` up to, but not including, `to`. Both are multiples of `tiles`. */
export function PairGallery({
  listing,
  from,
  to,
  before,
  after,
  current,
  images,
  scale,
  edges,
  distinct,
  tiles,
}: RowsProps & { tiles: number }) {
  const pairs = Array.from({ length: to - from }, (_, at) => from + at);
  const lines = Math.ceil((to - from) / tiles);
  return (
    <div class="gallery-space" style={{ height: `${before + lines * galleryRowHeight + after}px` }}>
      <ul
        class="gallery"
        style={{
          transform: `translateY(${before}px)`,
          gridTemplateColumns: `repeat(${tiles}, minmax(0, 1fr))`,
        }}
      >
        {pairs.map((row) => {
          const result = listing.at(row);
          if (result === undefined) return <li key={row} class="tile" />;
          return (
            <PairTile
              key={row}
              result={result}
              href={hashWith({ pair: String(result.index) })}
              images={images}
              scale={scale}
              edges={edges}
              distinct={distinct}
              row={row}
              isCurrent={row === current}
            />
          );
        })}
      </ul>
    </div>
  );
}
