import type { ItemResult } from '../shared/contracts/item.ts';
import type { ColumnNames, ResultSource } from './format.ts';
import type { ReadItem } from './items.ts';

/** Columns that results have after those that the items came with. */
const ownColumns = ['status', 'score', 'cosine', 'error_code', 'error_message', 'warnings'] as const;

/** The columns of results as a table: `index`, those that the items came with, then ours. */
export interface ResultColumns {
  /** Name of the column with the index of the item. */
  index: string;
  /** Columns that the items came with. */
  given: readonly string[];
  /** Names of our columns, in the order status, score, cosine, error code, error message, warnings. */
  own: readonly string[];
  /** Name of the column with the model; present where several models share the batch. */
  model: string | undefined;
  /** Returns the value of a column that the item came with; null where it has none. */
  givenValue(column: string, item: ReadItem | undefined, result: ItemResult): unknown;
}

/**
 * A column of the same name as one of ours keeps it, and ours gets the prefix `vls_`; then, when results are posted
 * again, `vls_score_2`.
 */
export function resultColumns({ columns, columnNames, traffic }: ResultSource): ResultColumns {
  const given = columns ?? ['id', 'image', 'text', 'metadata'];
  const names: ColumnNames = columnNames ?? { id: 'id', image: 'image', text: 'text' };
  const taken = new Set(given);
  return {
    index: freeName('index', taken),
    given,
    own: ownColumns.map((name) => freeName(name, taken)),
    model: traffic === undefined ? undefined : freeName('model', taken),
    givenValue(column, item, { id, metadata }) {
      if (column === names.id) return id ?? null;
      if (column === names.image) return (item && addressOf(item)) || null;
      if (column === names.text) return item?.text ?? null;
      if (columns === undefined) return metadata ?? null;
      return metadata !== undefined && Object.hasOwn(metadata, column) ? (metadata[column] ?? null) : null;
    },
  };
}

/** Returns the first of `score`, `vls_score`, `vls_score_2` … that no column has. */
function freeName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  let free = `vls_${name}`;
  for (let number = 2; taken.has(free); number++) free = `vls_${name}_${number}`;
  return free;
}

/**
 * Returns the image as it was given; of an inline one the path that came with it, as its bytes do not belong into a
 * table.
 */
export function addressOf({ image = '' }: ReadItem): string {
  const source =
    typeof image === 'string' ? image : 'url' in image ? image.url : 'file' in image ? image.file : (image.path ?? '');
  return source.length > 2048 || /^data:/i.test(source) ? '' : source;
}
