import { ByteWriter, type ColumnSource, ParquetWriter } from 'hyparquet-writer';
import type { ItemResult } from '../../shared/contracts/item.ts';
import type { ColumnType, CreateWriter } from '../format.ts';
import { resultColumns } from '../result-columns.ts';
import { elementOf, storedValue } from './column-types.ts';
import { receiptKey, receiptOf } from './receipt.ts';

/** The maximum number of rows and text characters in a row group, which is in memory until it ends. */
const groupRows = 16_384;
const groupCharacters = 4 * 1024 * 1024;

interface Column {
  name: string;
  type: ColumnType;
  values: unknown[];
}

/**
 * Creates a writer of results as Parquet: the index, the uploaded columns with their types, then the result columns.
 */
export const createParquetWriter: CreateWriter = (source) => {
  const { index, given, own, probability, model, groupSize, retryOfIndex, givenValue } = resultColumns(source);
  const [status = '', score = '', cosine = '', code = '', message = '', warnings = ''] = own;
  const column = (name: string, type: ColumnType): Column => ({ name, type, values: [] });
  const givenColumns = given.map((name, at) => column(name, source.columnTypes?.[at] ?? 'text'));
  const ownColumns = {
    index: column(index, 'integer'),
    status: column(status, 'text'),
    score: column(score, 'number'),
    cosine: column(cosine, 'number'),
    code: column(code, 'text'),
    message: column(message, 'text'),
    warnings: column(warnings, 'text'),
    ...(probability !== undefined && { probability: column(probability, 'number') }),
    ...(model !== undefined && { model: column(model, 'text') }),
    ...(groupSize !== undefined && { groupSize: column(groupSize, 'integer') }),
    ...(retryOfIndex !== undefined && { retryOfIndex: column(retryOfIndex, 'integer') }),
  };
  const { index: indexColumn, ...after } = ownColumns;
  const columns = [indexColumn, ...givenColumns, ...Object.values(after)];

  const writer = new ByteWriter();
  const parquet = new ParquetWriter({
    writer,
    schema: [
      { name: 'schema', num_children: columns.length },
      ...columns.map(({ name, type }) => ({ name, ...elementOf[type], repetition_type: 'OPTIONAL' as const })),
    ],
    kvMetadata: [{ key: receiptKey, value: receiptOf(source) }],
    createdBy: 'vision-language-similarity',
  });
  let rows = 0;
  let characters = 0;

  /** Returns the bytes written since the last call. */
  function take(): Uint8Array {
    const bytes = writer.getBytes().slice();
    writer.index = 0;
    return bytes;
  }
  function flush(): void {
    if (rows === 0) return;
    const columnData = columns.map(({ name, values }) => ({ name, data: values }) as ColumnSource);
    // The promise needs no await: the writer writes to memory and is finished when it returns.
    void parquet.write({ columnData, rowGroupSize: rows });
    for (const each of columns) each.values = [];
    rows = 0;
    characters = 0;
  }
  function add(to: Column | undefined, value: unknown): void {
    if (to === undefined) return;
    const stored = storedValue(value, to.type);
    if (typeof stored === 'string') characters += stored.length;
    to.values.push(stored);
  }

  return {
    start: take,
    rows(results, items, wanted) {
      for (const [at, result] of results.entries()) {
        if (wanted !== undefined && result.status !== wanted) continue;
        add(ownColumns.index, result.index);
        for (const each of givenColumns) add(each, givenValue(each.name, items[at], result));
        for (const [name, value] of Object.entries(outcomeOf(result))) {
          add(ownColumns[name as keyof typeof ownColumns], value);
        }
        rows++;
        if (rows >= groupRows || characters >= groupCharacters) flush();
      }
      return take();
    },
    end() {
      flush();
      void parquet.finish();
      return take();
    },
    escaped: () => 0,
  };
};

function outcomeOf(result: ItemResult) {
  const empty = {
    status: result.status,
    score: null,
    cosine: null,
    code: null,
    message: null,
    warnings: null,
    probability: null,
    groupSize: result.groupSize ?? null,
    retryOfIndex: result.retryOfIndex ?? null,
  };
  const model = ('model' in result && result.model) || null;
  switch (result.status) {
    case 'succeeded': {
      const { score, cosine, probability = null, warnings } = result;
      return { ...empty, score, cosine, probability, warnings: warnings?.join('; ') ?? null, model };
    }
    case 'failed':
      return { ...empty, code: result.error.code, message: result.error.message, model };
    case 'cancelled':
    case 'answered':
      return { ...empty, model };
  }
}
