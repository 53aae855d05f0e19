import type { FileMetaData, RowGroup } from 'hyparquet';
import { ServiceError } from '../../shared/errors.ts';
import { unreadable } from './faults.ts';

const MiB = 1024 * 1024;

/** The maximum number of elements and nesting levels of a Parquet schema. */
const maxElements = 10_000;
const maxDepth = 32;
/** The maximum number of rows in a row group. Writers make at most a million. */
const maxGroupRows = 16 * MiB;
/** The maximum uncompressed size of a row group in bytes, in the columns that are read. */
const maxGroupBytes = 256 * MiB;

/**
 * Checks the metadata before rows are read.
 * @throws {ServiceError} `request.invalid` for metadata that no correct writer makes.
 */
export function checkMetadata({ schema, row_groups: groups, num_rows: total }: FileMetaData): void {
  if (schema.length > maxElements)
    throw unreadable(`its schema has ${schema.length} elements; at most ${maxElements} are allowed`);
  /** The number of elements still expected at each nesting level. */
  const open: number[] = [];
  for (const { num_children: children = 0 } of schema) {
    while (open.at(-1) === 0) open.pop();
    const level = open.length - 1;
    if (level >= 0) open[level] = (open[level] ?? 0) - 1;
    if (children < 0 || children > maxElements)
      throw unreadable(`an element of its schema states ${children} children`);
    if (children > 0 && open.push(children) > maxDepth)
      throw unreadable(`its schema is nested deeper than ${maxDepth} levels`);
  }
  let rows = 0n;
  for (const group of groups) {
    if (group.num_rows < 0n) throw unreadable('a row group has a negative number of rows');
    rows += BigInt(group.num_rows);
  }
  if (rows !== BigInt(total))
    throw unreadable(`its metadata states ${total} rows, but its row groups have ${rows} rows`);
}

/**
 * Checks that rows can be copied to another file.
 * @throws {ServiceError} `request.invalid` for a file with a map or an INT96 column.
 */
export function checkCopyable({ schema }: FileMetaData): void {
  const old = schema.find(({ type }) => type === 'INT96');
  if (old !== undefined) throw unreadable(`its column ${old.name} has the old type INT96, which cannot be written`);
  // The reader converts the keys of a map to text, so the original keys are lost.
  const map = schema.find((each) => /^MAP/.test(each.converted_type ?? each.logical_type?.type ?? ''));
  if (map !== undefined) throw unreadable(`its column ${map.name} is a map, which cannot be written`);
}

/**
 * Checks a row group before it is read. Each column needs a value or null for every row.
 * @param wanted the columns that will be read.
 * @param firstRow the group's first row, for error messages.
 * @throws {ServiceError} `request.too_large` for a group that does not fit into memory; `request.invalid` for a column
 * with too few values.
 */
export function checkGroup({ columns, num_rows: rows }: RowGroup, wanted: readonly string[], firstRow: number): void {
  const read = columns.flatMap(({ meta_data: column }) =>
    column !== undefined && wanted.includes(column.path_in_schema[0] ?? '') ? [column] : [],
  );
  const bytes = read.reduce((sum, column) => sum + Number(column.total_uncompressed_size), 0);
  if (rows > maxGroupRows || bytes > maxGroupBytes) {
    const message = `has a row group of ${rows} rows and ${Math.ceil(bytes / MiB)} MiB, from row ${firstRow}; write row groups of at most ${maxGroupRows} rows and ${maxGroupBytes / MiB} MiB`;
    throw new ServiceError('request.too_large', `The Parquet file ${message}`, { faults: [{ path: 'file', message }] });
  }
  const other = read.find(({ path_in_schema: path, num_values: values }) => path.length === 1 && values < rows);
  if (other !== undefined) {
    throw unreadable(
      `a row group has ${rows} rows, but its column ${other.path_in_schema[0]} has ${other.num_values} values`,
    );
  }
}
