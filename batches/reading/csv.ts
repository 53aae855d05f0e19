import { stringify } from 'csv-stringify/sync';
import type { StreamQuery } from '../../shared/contracts/batch.ts';
import type { ItemResult } from '../../shared/contracts/item.ts';
import type { StoredItem } from '../payload.ts';
import type { BatchOptions, BatchRecord } from '../record.ts';

/** What is said of every item, after the columns it came with. */
const ownColumns = ['status', 'score', 'cosine', 'error_code', 'error_message', 'warnings'] as const;

/** Writes results as CSV, a few rows at a time. */
export interface ResultCsv {
  header(): string;
  /**
   * @param items those that the results belong to, in the same order.
   * @param status only results of this outcome.
   */
  rows(
    results: readonly ItemResult[],
    items: readonly (StoredItem | undefined)[],
    status?: StreamQuery['status'],
  ): string;
}

/**
 * CSV with the columns that the items came with, then ours. A column of the same name as one of ours keeps it, and ours
 * gets the prefix `vls_`. Text of the client's that a spreadsheet would take for a formula is quoted with an apostrophe,
 * unless `formulas` is `keep`.
 * @param source header and meaning of the columns, where the items came in columns; and whether several models share
 * the batch, so that there is a column that says which.
 */
export function createResultCsv(
  source: Pick<BatchOptions, 'columns' | 'columnNames'> & Partial<Pick<BatchRecord, 'traffic'>>,
  formulas: StreamQuery['formulas'],
): ResultCsv {
  const given = source.columns ?? ['id', 'image', 'text', 'metadata'];
  const names = source.columnNames ?? { id: 'id', image: 'image', text: 'text' };
  const isShared = source.traffic !== undefined;
  const ours = ['index', ...ownColumns, ...(isShared ? ['model'] : [])].map((name) =>
    given.includes(name) ? `vls_${name}` : name,
  );
  const disarm = formulas === 'escape' ? disarmed : (text: string) => text;
  const [index = 'index', ...after] = ours;

  const cell = (column: string, item: StoredItem | undefined, result: ItemResult): string => {
    if (column === names.id) return result.id ?? '';
    if (column === names.image) return item === undefined ? '' : addressOf(item);
    if (column === names.text) return item !== undefined && 'text' in item ? item.text : '';
    const { metadata } = result;
    if (source.columns === undefined) return metadata === undefined ? '' : JSON.stringify(metadata);
    return String(metadata?.[column] ?? '');
  };
  return {
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
 * What a client sent, so that a spreadsheet shows it instead of running it; a number stays a number. The wide forms are
 * the same signs to a spreadsheet in East Asia.
 */
const disarmed = (text: string): string =>
  /^[=+\-@\t\r\n＝＋－＠]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;

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

/** The image as it was given; an inline one is left out, as no spreadsheet could hold it. */
function addressOf(item: StoredItem): string {
  if ('error' in item) return '';
  const { image } = item;
  const source = typeof image === 'string' ? image : 'url' in image ? image.url : 'file' in image ? image.file : '';
  return source.length > 2048 || /^data:/i.test(source) ? '' : source;
}
