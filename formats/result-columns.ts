import type { ItemResult } from '../shared/contracts/item.ts';
import type { ColumnNames, ResultSource } from './format.ts';
import type { ReadItem } from './items.ts';

/**
 * The names of the result columns. If the uploaded table already uses a name, the result column gets another name, as
 * {@link resultColumns} describes.
 */
const ownColumns = ['status', 'score', 'cosine', 'error_code', 'error_message', 'warnings'] as const;

/** The columns of a results table, in this order: the index, the columns of the uploaded table, the result columns. */
export interface ResultColumns {
  /** The name of the column that contains the index of the item. */
  index: string;
  /** The names of the uploaded table's columns. */
  given: readonly string[];
  /** The names of the result columns, in the order status, score, cosine, error code, error message, warnings. */
  own: readonly string[];
  /** The name of the probability column; set when a model of the batch gives each pair a probability. */
  probability: string | undefined;
  /** The name of the model column; set when several models share the batch. */
  model: string | undefined;
  /** The name of the column with group sizes; set when each result represents a group of equal items. */
  groupSize: string | undefined;
  /** Returns the value of an item in a column of the uploaded table; null when the item has no value there. */
  givenValue(column: string, item: ReadItem | undefined, result: ItemResult): unknown;
}

/**
 * Returns the columns of a results table. Columns of the uploaded table keep their names. A result column with a name
 * that is already in use gets the prefix `vls_`, as in `vls_score`. When a results table is uploaded again, this name
 * exists too, and the column becomes `vls_score_2`.
 */
export function resultColumns(source: ResultSource): ResultColumns {
  const { columns, columnNames, traffic, pairProbabilities, groupSizes } = source;
  const given = columns ?? ['id', 'image', 'text', 'metadata'];
  const names: ColumnNames = columnNames ?? { id: 'id', image: 'image', text: 'text' };
  const taken = new Set(given);
  return {
    index: freeName('index', taken),
    given,
    own: ownColumns.map((name) => freeName(name, taken)),
    probability: pairProbabilities ? freeName('probability', taken) : undefined,
    model: traffic === undefined ? undefined : freeName('model', taken),
    groupSize: groupSizes ? freeName('group_size', taken) : undefined,
    givenValue(column, item, { id, metadata }) {
      if (column === names.id) return id ?? null;
      if (column === names.image) return (item && addressOf(item)) || null;
      if (column === names.text) return item?.text ?? null;
      if (columns === undefined) return metadata ?? null;
      return metadata !== undefined && Object.hasOwn(metadata, column) ? (metadata[column] ?? null) : null;
    },
  };
}

/** Returns the first of the names `score`, `vls_score`, `vls_score_2` … that no column of the uploaded table has. */
function freeName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  let free = `vls_${name}`;
  for (let number = 2; taken.has(free); number++) free = `vls_${name}_${number}`;
  return free;
}

/**
 * Returns the address of the image of an item. For an inline image it returns the path that was sent with it, because a
 * table should not contain the bytes of images. Returns an empty text for a data URL and for an address of more than
 * 2,048 characters.
 */
export function addressOf({ image = '' }: ReadItem): string {
  const source =
    typeof image === 'string' ? image : 'url' in image ? image.url : 'file' in image ? image.file : (image.path ?? '');
  return source.length > 2048 || /^data:/i.test(source) ? '' : source;
}
