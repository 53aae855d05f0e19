import { stringify } from 'csv-stringify/sync';
import type { StreamQuery } from '../../shared/contracts/batch/results.ts';
import type { ItemResult } from '../../shared/contracts/item.ts';
import type { ResultSource, ResultWriter } from '../format.ts';
import type { ReadItem } from '../items.ts';
import { addressOf, resultColumns } from '../result-columns.ts';

/**
 * Creates a writer of rows: the uploaded columns, then the result columns. Client texts that a spreadsheet would run as
 * formulas get an apostrophe, unless `formulas` is `keep`.
 */
export function createDelimitedWriter(
  delimiter: string,
  source: ResultSource,
  formulas: StreamQuery['formulas'],
): ResultWriter {
  const { index, given, own, probability, model, groupSize, retryOfIndex, givenValue } = resultColumns(source);
  const optional = [probability, model, groupSize, retryOfIndex].filter((name) => name !== undefined);
  let escaped = 0;
  const disarm = (text: string): string => {
    if (formulas === 'keep' || !isFormula(text)) return text;
    escaped++;
    return `'${text}`;
  };
  const lines = (rows: readonly string[][]) => stringify([...rows], { delimiter });
  return {
    start: () => lines([[index, ...given.map(disarm), ...own, ...optional]]),
    rows(results, items, status) {
      const rows = results.flatMap((result, at) => {
        if (status !== undefined && result.status !== status) return [];
        return [
          [
            String(result.index),
            ...given.map((column) => disarm(cellOf(givenValue(column, items[at], result)))),
            ...outcomeCells(result, disarm),
            ...(probability === undefined ? [] : [probabilityCell(result)]),
            ...(model === undefined ? [] : [('model' in result && result.model) || '']),
            ...(groupSize === undefined ? [] : [String(result.groupSize ?? '')]),
            ...(retryOfIndex === undefined ? [] : [String(result.retryOfIndex ?? '')]),
          ],
        ];
      });
      return rows.length > 0 ? lines(rows) : '';
    },
    end: () => '',
    escaped: () => escaped,
  };
}

/**
 * Returns true when a spreadsheet would run a cell as a formula. Signed numbers are safe. East Asian spreadsheets treat
 * full-width signs like ASCII signs.
 */
const isFormula = (text: string): boolean => /^[=+\-@\t\r\n＝＋－＠]/.test(text) && Number.isNaN(Number(text));

/** Returns a value as cell text: a number as uploaded, objects and lists as JSON. */
function cellOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/**
 * Counts the cells of an item that `formulas=escape` changes. `common` counts columns of every results table, `own` the
 * other uploaded columns.
 */
export function formulaCells(result: ItemResult, item: ReadItem | undefined): { common: number; own: number } {
  const cells = [result.id ?? '', item === undefined ? '' : addressOf(item), item?.text ?? ''];
  if (result.status === 'failed') cells.push(result.error.message);
  if (result.status === 'succeeded') cells.push(result.warnings?.join('; ') ?? '');
  const own = Object.values(result.metadata ?? {}).filter((value) => isFormula(cellOf(value)));
  return { common: cells.filter(isFormula).length, own: own.length };
}

const probabilityCell = (result: ItemResult): string =>
  result.status === 'succeeded' ? String(result.probability ?? '') : '';

/**
 * Returns the cells of the result columns. Messages and warnings may begin with text from an image host or the client,
 * so formulas in them are escaped.
 */
function outcomeCells(result: ItemResult, disarm: (text: string) => string): string[] {
  switch (result.status) {
    case 'succeeded': {
      const warnings = disarm(result.warnings?.join('; ') ?? '');
      return ['succeeded', String(result.score), String(result.cosine), '', '', warnings];
    }
    case 'failed':
      return ['failed', '', '', result.error.code, disarm(result.error.message), ''];
    case 'cancelled':
    case 'answered':
      return [result.status, '', '', '', '', ''];
  }
}
