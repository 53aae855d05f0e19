import { hashWith } from '../../shell/hash-query.ts';
import { imageOf } from '../../ui/image-address.ts';
import type { Scale } from '../../ui/scale.ts';
import { Thumbnail } from '../../ui/thumbnail.tsx';
import { cellText } from './cell-text.ts';
import { Caption, GroupLink, nameOf, ScoreCell } from './cells.tsx';
import type { Listing } from './listing-source.ts';
import { outcomeWords } from './outcome-words.ts';
import type { ExplorerQuery } from './query.ts';

/** The height of a row of the table in px. The style sheet has the same value. */
export const tableRowHeight = 60;
export const tableHeaderHeight = 36;

export interface RowsProps {
  /** The id of the batch. */
  batch: string;
  listing: Listing;
  from: number;
  to: number;
  /** The height in px of the empty space above the rendered rows. `after` is the height below them. */
  before: number;
  after: number;
  /** The row selected with the arrow keys. */
  current: number;
  images: boolean;
  scale: Scale;
  /** The limits of the scores in the filters, which divide the pairs. */
  edges: readonly number[];
  distinct: ExplorerQuery['distinct'];
  /** The columns of the input to show. */
  columns: readonly string[];
}

/** The pairs as a table, of which only rows near the visible ones are rendered. */
export function PairTable({
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
}: RowsProps) {
  const rows = Array.from({ length: to - from }, (_, at) => from + at);
  return (
    <table
      class="pair-table"
      style={{ '--own-columns': columns.length }}
      aria-rowcount={listing.isComplete ? listing.count + 1 : -1}
    >
      <colgroup>
        <col class="col-image" />
        <col />
        <col class="col-score" />
        {columns.map((column) => (
          <col key={column} class="col-own" />
        ))}
        <col class="col-note" />
      </colgroup>
      <thead>
        <tr>
          <th scope="col">Image</th>
          <th scope="col">Caption</th>
          <th scope="col">Score</th>
          {columns.map((column) => (
            <th key={column} scope="col" class="col-own cut">
              {column}
            </th>
          ))}
          <th scope="col" class="col-note">
            Note
          </th>
        </tr>
      </thead>
      <tbody>
        <Space height={before} />
        {rows.map((row) => {
          const result = listing.at(row);
          if (result === undefined) {
            return (
              <tr key={row} class="loading-row">
                <td colSpan={3}>
                  <span class="soft">Loading…</span>
                </td>
                {columns.map((column) => (
                  <td key={column} class="col-own" />
                ))}
                <td class="col-note" />
              </tr>
            );
          }
          return (
            <tr key={row} class={row === current ? 'current' : undefined} aria-rowindex={row + 2}>
              <td class="small-thumb">
                <Thumbnail image={imageOf(batch, result)} path={result.imagePath} shown={images} />
              </td>
              <td>
                <a
                  class="row-link"
                  href={hashWith({ pair: String(result.index) })}
                  data-row={row}
                  tabIndex={row === current ? 0 : -1}
                >
                  <span class="pair-text" dir="auto">
                    <Caption result={result} most={400} />
                  </span>
                </a>
                <span class="fine soft cut" dir="auto">
                  {nameOf(result)}
                </span>
              </td>
              <td>
                <ScoreCell result={result} scale={scale} edges={edges} />
                <GroupLink result={result} distinct={distinct} isCurrent={row === current} />
              </td>
              {columns.map((column) => (
                <td key={column} class="col-own cut" dir="auto">
                  {cellText(result.metadata?.[column]).slice(0, 200)}
                </td>
              ))}
              <td class="col-note fine soft">
                <span class="two-lines">{outcomeWords(result)}</span>
              </td>
            </tr>
          );
        })}
        <Space height={after} />
      </tbody>
    </table>
  );
}

/**
 * Empty space in place of rows that are not rendered. Its cell spans one column, because on a narrow screen a wider
 * cell would keep the width of hidden columns.
 */
function Space({ height }: { height: number }) {
  if (height <= 0) return null;
  return (
    <tr class="space">
      <td style={{ height: `${height}px` }} />
    </tr>
  );
}
