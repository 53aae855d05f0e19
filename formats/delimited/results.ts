import { stringify } from 'csv-stringify/sync';
import type { StreamQuery } from '../../shared/contracts/batch.ts';
import type { ItemResult } from '../../shared/contracts/item.ts';
import type { ReadItem } from '../items.ts';
import type { CsvColumns } from './columns.ts';

/** What is said of every item, after the columns it came with. */
const ownColumns = ['status', 'score', 'cosine', 'error_code', 'error_message', 'warnings'] as const;

/** The facts of a batch that decide the columns of its results. */
export interface ResultSource {
  /** Header of the file that the items came in, where it had columns. */
  columns?: readonly string[] | undefined;
  /** The columns that were read as image, text and id. */
  columnNames?: CsvColumns | undefined;
  /** Present where several models share the batch. */
  traffic?: object | undefined;
}

/** Writes results as CSV, a few rows at a time. */
export interface ResultCsv {
  header(): string;
  /**
   * @param items those that the results belong to, in the same order.
   * @param status only results of this outcome.
   */
  rows(
    results: readonly ItemResult[],
    items: readonly (ReadItem | undefined)[],
    status?: StreamQuery['status'],
  ): string;
  /** Cells so far that were written with an apostrophe. */
  escaped(): number;
}

/**
 * CSV with the columns that the items came with, then ours. A column of the same name as one of ours keeps it, and ours
 * gets the prefix `vls_`; then, when results are posted again, `vls_score_2`. Text of the client's that a spreadsheet would take for a formula is quoted with an apostrophe,
 * unless `formulas` is `keep`.
 */
export function createResultCsv(source: ResultSource, formulas: StreamQuery['formulas']): ResultCsv {
  const given = source.columns ?? ['id', 'image', 'text', 'metadata'];
  const names = source.columnNames ?? { id: 'id', image: 'image', text: 'text' };
  const isShared = source.traffic !== undefined;
  const taken = new Set(given);
  const ours = ['index', ...ownColumns, ...(isShared ? ['model'] : [])].map((name) => freeName(name, taken));
  let escaped = 0;
  const disarm = (text: string): string => {
    if (formulas === 'keep' || !isFormula(text)) return text;
    escaped++;
    return `'${text}`;
  };
  const [index = 'index', ...after] = ours;

  const cell = (column: string, item: ReadItem | undefined, result: ItemResult): string => {
    if (column === names.id) return result.id ?? '';
    if (column === names.image) return item === undefined ? '' : addressOf(item);
    if (column === names.text) return item?.text ?? '';
    const { metadata } = result;
    if (source.columns === undefined) return metadata === undefined ? '' : JSON.stringify(metadata);
    return metadata !== undefined && Object.hasOwn(metadata, column) ? cellOf(metadata[column]) : '';
  };
  return {
    escaped: () => escaped,
    header: () => stringify([[index, ...given.map(disarm), ...after]]),
    rows(results, items, status) {
      const rows = results.flatMap((result, at) => {
        if (status !== undefined && result.status !== status) return [];
        return [
          [
            String(result.index),
            ...given.map((column) => disarm(cell(column, items[at], result))),
            ...outcomeCells(result, disarm),
            ...(isShared ? [('model' in result && result.model) || ''] : []),
          ],
        ];
      });
      return rows.length > 0 ? stringify(rows) : '';
    },
  };
}

/**
 * Whether a spreadsheet would run a cell; a number stays a number. The wide forms are the same signs to a spreadsheet in
 * East Asia.
 */
const isFormula = (text: string): boolean => /^[=+\-@\t\r\n＝＋－＠]/.test(text) && Number.isNaN(Number(text));

/** The first of `score`, `vls_score`, `vls_score_2` … that no column has. */
function freeName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  let free = `vls_${name}`;
  for (let number = 2; taken.has(free); number++) free = `vls_${name}_${number}`;
  return free;
}

/** A value of metadata as it stands in a cell: a number as it was written, what is more than one value as JSON. */
function cellOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Cells of an item that `formulas=escape` changes: those that every CSV has, and those in columns of its own. */
export function formulaCells(result: ItemResult, item: ReadItem | undefined): { common: number; own: number } {
  const cells = [result.id ?? '', item === undefined ? '' : addressOf(item), item?.text ?? ''];
  if (result.status === 'failed') cells.push(result.error.message);
  if (result.status === 'succeeded') cells.push(result.warnings?.join('; ') ?? '');
  const own = Object.values(result.metadata ?? {}).filter((value) => isFormula(cellOf(value)));
  return { common: cells.filter(isFormula).length, own: own.length };
}

/** Messages may begin with words of an image host or of the client. */
function outcomeCells(result: ItemResult, disarm: (text: string) => string): string[] {
  switch (result.status) {
    case 'succeeded': {
      const warnings = disarm(result.warnings?.join('; ') ?? '');
      return ['succeeded', String(result.score), String(result.cosine), '', '', warnings];
    }
    case 'failed':
      return ['failed', '', '', result.error.code, disarm(result.error.message), ''];
    case 'cancelled':
      return ['cancelled', '', '', '', '', ''];
  }
}

/** The image as it was given; of an inline one the path that came with it, as no spreadsheet could hold the bytes. */
function addressOf({ image = '' }: ReadItem): string {
  const source =
    typeof image === 'string' ? image : 'url' in image ? image.url : 'file' in image ? image.file : (image.path ?? '');
  return source.length > 2048 || /^data:/i.test(source) ? '' : source;
}
