import type { ItemResult } from '../shared/contracts/item.ts';
import type { ColumnNames, ResultSource } from './format.ts';
import type { ReadItem } from './items.ts';

/** The result columns, unless {@link resultColumns} renames them. */
const ownColumns = ['status', 'score', 'cosine', 'error_code', 'error_message', 'warnings'] as const;

export interface ResultColumns {
  index: string;
  /** The uploaded columns. */
  given: readonly string[];
  /** The result columns: status, score, cosine, error code, error message, warnings. */
  own: readonly string[];
  /** Set when a model of the batch gives each pair a probability. */
  probability: string | undefined;
  /** Set when several models share the batch. */
  model: string | undefined;
  /** Set when each result represents a group of equal items. */
  groupSize: string | undefined;
  /** Set when the batch is a retry. */
  retryOfIndex: string | undefined;
  /** Returns an item's value in an uploaded column, or null. */
  givenValue(column: string, item: ReadItem | undefined, result: ItemResult): unknown;
}

/**
 * Returns the columns of a results table. Uploaded columns keep their names; a result column with a used name becomes
 * `vls_score`, then `vls_score_2`.
 */
export function resultColumns(source: ResultSource): ResultColumns {
  const { columns, columnNames, traffic, pairProbabilities, groupSizes, retryOf } = source;
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
    retryOfIndex: retryOf === undefined ? undefined : freeName('retry_of_index', taken),
    givenValue(column, item, { id, metadata }) {
      if (column === names.id) return id ?? null;
      if (column === names.image) return (item && addressOf(item)) || null;
      if (column === names.text) return item?.text ?? null;
      if (columns === undefined) return metadata ?? null;
      return metadata !== undefined && Object.hasOwn(metadata, column) ? (metadata[column] ?? null) : null;
    },
  };
}

/** Returns the first free name of `score`, `vls_score`, `vls_score_2` …. */
function freeName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  let free = `vls_${name}`;
  for (let number = 2; taken.has(free); number++) free = `vls_${name}_${number}`;
  return free;
}

/**
 * Returns the address of an item's image, or for an inline image the path sent with it. Returns '' for data URLs and
 * above 2,048 characters.
 */
export function addressOf({ image = '' }: ReadItem): string {
  const source =
    typeof image === 'string' ? image : 'url' in image ? image.url : 'file' in image ? image.file : (image.path ?? '');
  return source.length > 2048 || /^data:/i.test(source) ? '' : source;
}
