import { Fragment } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import * as numbers from '../../ui/numbers.ts';
import { Scrollable } from '../../ui/scrollable.tsx';
import { Thumbnail } from '../../ui/thumbnail.tsx';
import type { ColumnMapping } from './column-mapping.ts';
import { type Cell, cellText, webAddressOf } from './files/cell.ts';
import type { Trial } from './files/trial.ts';
import type { Preview } from './preview.ts';

const longest = 160;

export function PreviewTable({
  preview: { columns, rows },
  mapping,
  images,
  faults,
  trials,
  isTried,
}: {
  preview: Preview;
  mapping: ColumnMapping;
  /** True to show images from their hosts. Images in the file are always shown. */
  images: boolean;
  /** The errors of the rows that will fail, because the service cannot read them. */
  faults: ReadonlyMap<number, string>;
  trials: ReadonlyMap<number, Trial>;
  isTried: boolean;
}) {
  const roleOf = (column: string) =>
    (['image', 'text', 'id'] as const).find((part) => mapping[part] === column) ?? 'metadata';
  const hasScores = isTried || trials.size > 0;
  return (
    <Scrollable label="First rows">
      <table class="preview">
        <thead>
          <tr>
            {hasScores && (
              <th scope="col">
                Score<span class="role">trial</span>
              </th>
            )}
            {columns.map((column, at) => (
              <th key={at} scope="col" dir="auto" class={roleOf(column)}>
                {column}
                {roleOf(column) !== column && <span class="role">{roleOf(column)}</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, line) => {
            const fault = faults.get(line);
            const trial = trials.get(line);
            const warnings = trial !== undefined && 'warnings' in trial ? trial.warnings.join('; ') : '';
            return (
              <Fragment key={line}>
                <tr>
                  {hasScores && <TrialCell trial={trial} />}
                  {columns.map((column, at) => (
                    <td key={at} dir="auto" class={roleOf(column)}>
                      {roleOf(column) === 'image' ? (
                        <ImageCell cell={row[at] ?? ''} shown={images} />
                      ) : (
                        textOf(row[at] ?? '').slice(0, longest)
                      )}
                    </td>
                  ))}
                </tr>
                {(fault !== undefined || warnings !== '') && (
                  <tr>
                    <td
                      class={`row-note${fault === undefined ? '' : ' row-fault'}`}
                      dir="auto"
                      colSpan={columns.length + (hasScores ? 1 : 0)}
                    >
                      <p>{fault === undefined ? `Warning: ${warnings}.` : `This row will fail: ${fault}.`}</p>
                    </td>
                  </tr>
                )}
              </Fragment>
            );
          })}
        </tbody>
      </table>
    </Scrollable>
  );
}

const textOf = (cell: Cell): string => (typeof cell === 'string' ? cell : `image, ${numbers.bytes(cell.size)}`);

function TrialCell({ trial }: { trial: Trial | undefined }) {
  if (trial === undefined) return <td class="trial soft">…</td>;
  if ('failure' in trial) return <td class="trial failed">{trial.failure}</td>;
  return (
    <td class="trial">
      <strong class="num">{numbers.score(trial.score)}</strong>
    </td>
  );
}

function ImageCell({ cell, shown }: { cell: Cell; shown: boolean }) {
  const made = useObjectUrl(cell);
  const own = made ?? dataUrlOf(cell);
  const source = own ?? webAddressOf(cell);
  return (
    <span class="preview-image">
      {source !== undefined && (
        <span class="thumb">
          <Thumbnail image={source} shown={shown || own !== undefined} />
        </span>
      )}
      <span class="cut">
        {(typeof cell === 'string' ? cellText(cell) : numbers.bytes(cell.size)).slice(0, longest)}
      </span>
    </span>
  );
}

const dataUrlOf = (cell: Cell): string | undefined =>
  typeof cell === 'string' && /^data:image\//i.test(cell.trim()) ? cell.trim() : undefined;

function useObjectUrl(cell: Cell): string | undefined {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    if (typeof cell === 'string') return setUrl(undefined);
    const made = URL.createObjectURL(cell);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [cell]);
  return url;
}
