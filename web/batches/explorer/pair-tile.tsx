import type { ItemResult } from '../../../shared/contracts/item.ts';
import { imageOf } from '../../ui/image-address.ts';
import type { Scale } from '../../ui/scale.ts';
import { Thumbnail } from '../../ui/thumbnail.tsx';
import { Caption, GroupLink, ScoreCell } from './cells.tsx';
import type { ExplorerQuery } from './query.ts';
import { columnLines, tileHeight } from './tile-columns.ts';

export function PairTile({
  batch,
  result,
  href,
  images,
  scale,
  edges = [],
  decimals,
  distinct,
  columns = [],
  row,
  isCurrent = false,
}: {
  /** The id of the batch. */
  batch: string;
  result: ItemResult;
  href: string;
  images: boolean;
  scale: Scale;
  edges?: readonly number[];
  decimals?: number;
  /** The kind of duplicates (same image, or same image and text) of which only one pair is listed. */
  distinct?: ExplorerQuery['distinct'];
  /** The columns of the input to show, one line each. */
  columns?: readonly string[];
  /** The number of the pair, for a list in which the arrow keys select a pair. */
  row?: number;
  isCurrent?: boolean;
}) {
  return (
    <li
      class={`tile${isCurrent ? ' current' : ''}`}
      {...(columns.length > 0 && { style: { height: `${tileHeight(columns.length)}px` } })}
    >
      <div class="tile-image">
        <Thumbnail image={imageOf(batch, result)} path={result.imagePath} shown={images} />
      </div>
      <a class="row-link" href={href} {...(row !== undefined && { 'data-row': row, tabIndex: isCurrent ? 0 : -1 })}>
        <span class="pair-text" dir="auto">
          <Caption result={result} most={200} />
        </span>
      </a>
      <ScoreCell result={result} scale={scale} edges={edges} {...(decimals !== undefined && { decimals })} />
      {columns.length > 0 && (
        <dl class="tile-columns fine">
          {columnLines(result, columns).map(({ name, value }) => (
            <div key={name} title={value}>
              <dt class="soft">
                <bdi>{name}</bdi>
              </dt>
              <dd>
                <bdi>{value}</bdi>
              </dd>
            </div>
          ))}
        </dl>
      )}
      <GroupLink result={result} distinct={distinct} isCurrent={isCurrent} />
    </li>
  );
}
