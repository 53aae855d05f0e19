import { hashWith } from '../../shell/hash-query.ts';
import { PairTile } from './pair-tile.tsx';
import type { RowsProps } from './table.tsx';
import { tileHeight } from './tile-columns.ts';

/** The gap in px between two lines of tiles. The style sheet has the same value. */
const gap = 12;
const minTileWidth = 200;

/** Returns the height in px of a line of tiles with its gap. */
export const galleryRowHeight = (columns: number): number => tileHeight(columns) + gap;

export const tilesIn = (width: number): number => Math.max(2, Math.floor(width / minTileWidth));

/** Shows the pairs from number `from` up to, but not including, `to`. Both are multiples of `tiles`. */
export function PairGallery({
  batch,
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
  columns,
  tiles,
}: RowsProps & { tiles: number }) {
  const pairs = Array.from({ length: to - from }, (_, at) => from + at);
  const lines = Math.ceil((to - from) / tiles);
  const height = tileHeight(columns.length);
  return (
    <div class="gallery-space" style={{ height: `${before + lines * (height + gap) + after}px` }}>
      <ul
        class="gallery"
        style={{
          transform: `translateY(${before}px)`,
          gridTemplateColumns: `repeat(${tiles}, minmax(0, 1fr))`,
        }}
      >
        {pairs.map((row) => {
          const result = listing.at(row);
          if (result === undefined) return <li key={row} class="tile" style={{ height: `${height}px` }} />;
          return (
            <PairTile
              key={row}
              batch={batch}
              result={result}
              href={hashWith({ pair: String(result.index) })}
              images={images}
              scale={scale}
              edges={edges}
              distinct={distinct}
              columns={columns}
              row={row}
              isCurrent={row === current}
            />
          );
        })}
      </ul>
    </div>
  );
}
