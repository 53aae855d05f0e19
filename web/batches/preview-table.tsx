import { Scrollable } from '../ui/scrollable.tsx';
import type { ColumnMapping } from './column-mapping.ts';
import type { Preview } from './preview.ts';

const longest = 160;

/** Shows the first rows of a file, with the role of each column. */
export function PreviewTable({ preview: { columns, rows }, mapping }: { preview: Preview; mapping: ColumnMapping }) {
  const roleOf = (column: string) =>
    (['image', 'text', 'id'] as const).find((part) => mapping[part] === column) ?? 'metadata';
  return (
    <Scrollable label="First rows">
      <table class="preview">
        <thead>
          <tr>
            {columns.map((column, at) => (
              <th key={at} scope="col" class={roleOf(column)}>
                {column}
                <span class="role">{roleOf(column)}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, line) => (
            <tr key={line}>
              {columns.map((column, at) => (
                <td key={at} class={roleOf(column)}>
                  {(row[at] ?? '').slice(0, longest)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scrollable>
  );
}
