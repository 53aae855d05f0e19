import type { ItemResult } from '../shared/contracts/item.ts';
import type { ColumnNames, ResultSource } from './format.ts';
import type { ReadItem } from './items.ts';

/** The usual names of the result columns. */
const ownColumns = ['status', 'score', 'cosine', 'error_code', 'error_message', 'warnings'] as const;

/** The columns of a table of results: `index`, then the columns of the posted table, then those of the results. */
export interface ResultColumns {
  /** Name of the column that contains the index of the item. */
  index: string;
  /** Columns of the uploaded file. */
  given: readonly string[];
  /** Names of the result columns, in the order status, score, cosine, error code, error message, warnings. */
  own: readonly string[];
  /** Name of the probability column; set when a model of the batch gives each pair a probability. */
  probability: string | undefined;
  /** Name of the model column; set when several models share the batch. */
  model: string | undefined;
  /** Returns the value of an uploaded column; null when the item has none. */
  givenValue(column: string, item: ReadItem | undefined, result: ItemResult): unknown;
}

/**
 * Returns the columns of a table of results. A posted column keeps its name. A result column of the same name gets the
 * prefix `vls_`, or becomes `vls_score_2` when a table of results is posted again.
 */
export function resultColumns({ columns, columnNames, traffic, pairProbabilities }: ResultSource): ResultColumns {
  const given = columns ?? ['id', 'image', 'text', 'metadata'];
  const names: ColumnNames = columnNames ?? { id: 'id', image: 'image', text: 'text' };
  const taken = new Set(given);
  return {
    index: freeName('index', taken),
    given,
    own: ownColumns.map((name) => freeName(name, taken)),
    probability: pairProbabilities ? freeName('probability', taken) : undefined,
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

/** Returns the first name of `score`, `vls_score`, `vls_score_2` … that no posted column has. */
function freeName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  let free = `vls_${name}`;
  for (let number = 2; taken.has(free); number++) free = `vls_${name}_${number}`;
  return free;
}

/**
 * Returns the address of an image. For an inline image, returns the path that was sent with it, since a table should
 * not contain image bytes.
 */
export function addressOf({ image = '' }: ReadItem): string {
  const source =
    typeof image === 'string' ? image : 'url' in image ? image.url : 'file' in image ? image.file : (image.path ?? '');
  return source.length > 2048 || /^data:/i.test(source) ? '' : source;
}
