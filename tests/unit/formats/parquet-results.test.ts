import { parquetMetadata, parquetReadObjects, parquetSchema } from 'hyparquet';
import { describe, expect, test } from 'vitest';
import { toBuffer } from '../../../formats/bytes.ts';
import type { ResultSource } from '../../../formats/format.ts';
import { createResultWriter } from '../../../formats/index.ts';
import type { ReadItem } from '../../../formats/items.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';

const columnNames = { image: 'url', text: 'caption', id: 'key' };
const source: ResultSource = {
  columns: ['key', 'url', 'caption', 'hash', 'weight', 'isOpen', 'day', 'at', 'status'],
  columnNames,
  columnTypes: ['text', 'text', 'text', 'integer', 'number', 'boolean', 'date', 'time', 'text'],
  model: 'm',
  revision: 'r1',
};

/** Writes results, so many at a time, and returns the file. */
function write(results: ItemResult[], items: ReadItem[], of = source, status?: ItemResult['status'], atATime = 1_000) {
  const writer = createResultWriter('parquet', of, 'escape');
  const parts = [toBuffer(writer.start())];
  for (let at = 0; at < results.length; at += atATime) {
    parts.push(toBuffer(writer.rows(results.slice(at, at + atATime), items.slice(at, at + atATime), status)));
  }
  parts.push(toBuffer(writer.end()));
  const bytes = Buffer.concat(parts);
  return { file: new Uint8Array(bytes).buffer, parts };
}

const read = (file: ArrayBuffer) => parquetReadObjects({ file });
const scored = (index: number, metadata?: Record<string, unknown>): ItemResult => ({
  ...{ index, id: `k${index}`, status: 'succeeded', score: 20 + index / 1_000, cosine: 0.2 },
  ...(metadata !== undefined && { metadata }),
});

describe('results as Parquet', () => {
  test('have the probabilities of pairs as numbers, where a model gives them', async () => {
    const results: ItemResult[] = [
      { ...scored(0), probability: 0.25 } as ItemResult,
      { index: 1, id: 'k1', status: 'cancelled' },
    ];
    const items = results.map(() => ({ image: 'x', text: 't' }));
    const { file } = write(results, items, { ...source, pairProbabilities: true });
    expect((await read(file)).map(({ probability }) => probability)).toEqual([0.25, null]);
    expect(Object.keys((await read(write(results, items).file))[0] ?? {})).not.toContain('probability');
  });

  test('have the index in the original batch as an integer in the last column, where the batch is a retry', async () => {
    const results: ItemResult[] = [
      { ...scored(0), retryOfIndex: 0 },
      { index: 1, status: 'cancelled', retryOfIndex: 7 },
    ];
    const items = results.map(() => ({ image: 'x', text: 't' }));
    const { file } = write(results, items, { ...source, retryOf: 'a' });
    expect((await read(file)).map((row) => row['retry_of_index'])).toEqual([0n, 7n]);
    expect(parquetSchema(parquetMetadata(file)).children.at(-1)?.element).toMatchObject({
      ...{ name: 'retry_of_index', type: 'INT64' },
    });
    expect(Object.keys((await read(write(results, items).file))[0] ?? {})).not.toContain('retry_of_index');
  });

  test('have the columns of the items in their types, then those of the results', async () => {
    const metadata = {
      hash: JSON.rawJSON('9007199254741003'),
      weight: 1.5,
      isOpen: true,
      day: '2024-01-10T00:00:00.000Z',
      at: '2024-01-10T12:30:00.250Z',
      status: '=kept',
    };
    const error = { code: 'image.too_large', message: 'too large', retryable: false } as const;
    const results: ItemResult[] = [
      { ...scored(0, metadata), warnings: ['a', 'b'] } as ItemResult,
      { index: 1, status: 'failed', error },
      { index: 2, id: 'k2', status: 'cancelled' },
    ];
    const items: ReadItem[] = [
      { image: 'https://a.example/0.jpg', text: 'a → cat' },
      { image: { base64: 'AAAA' }, text: '', error },
      { image: { base64: 'AAAA', path: 'a/2.jpg' }, text: 'two' },
    ];
    const { file } = write(results, items);
    const empty = { hash: null, weight: null, isOpen: null, day: null, at: null };
    expect(await read(file)).toEqual([
      {
        ...{ index: 0n, key: 'k0', url: 'https://a.example/0.jpg', caption: 'a → cat' },
        ...{ hash: 9007199254741003n, weight: 1.5, isOpen: true, status: '=kept' },
        ...{ day: new Date('2024-01-10'), at: new Date('2024-01-10T12:30:00.250Z') },
        ...{ vls_status: 'succeeded', score: 20, cosine: 0.2, warnings: 'a; b' },
        ...{ error_code: null, error_message: null },
      },
      {
        ...{ ...empty, index: 1n, key: null, url: null, caption: '', status: null },
        ...{ vls_status: 'failed', score: null, cosine: null, warnings: null },
        ...{ error_code: 'image.too_large', error_message: 'too large' },
      },
      {
        ...{ ...empty, index: 2n, key: 'k2', url: 'a/2.jpg', caption: 'two', status: null },
        ...{ vls_status: 'cancelled', score: null, cosine: null, warnings: null },
        ...{ error_code: null, error_message: null },
      },
    ]);
    const metadataOfFile = parquetMetadata(file);
    expect(parquetSchema(metadataOfFile).children.map(({ element }) => element.type)).toEqual([
      ...['INT64', 'BYTE_ARRAY', 'BYTE_ARRAY', 'BYTE_ARRAY', 'INT64', 'DOUBLE', 'BOOLEAN', 'INT32', 'INT64'],
      ...['BYTE_ARRAY', 'BYTE_ARRAY', 'DOUBLE', 'DOUBLE', 'BYTE_ARRAY', 'BYTE_ARRAY', 'BYTE_ARRAY'],
    ]);
    expect(metadataOfFile.key_value_metadata).toEqual([{ key: 'vls', value: '{"model":"m","revision":"r1"}' }]);
  });

  test('are written in row groups, so that memory does not grow with the batch', async () => {
    const count = 40_000;
    const results = Array.from({ length: count }, (_, at) => scored(at));
    const items = results.map((_, at) => ({ image: `https://a.example/${at}.jpg`, text: `text ${at}` }));
    const { file, parts } = write(results, items, { columns: ['url', 'caption'], columnNames });
    expect(parquetMetadata(file).row_groups.map(({ num_rows }) => Number(num_rows))).toEqual([16_384, 16_384, 7_232]);
    // Parts without a row group are empty.
    expect(parts.filter((part) => part.length > 0)).toHaveLength(4);
    const rows = await read(file);
    expect(rows).toHaveLength(count);
    for (const at of [0, 16_383, 16_384, count - 1]) {
      const row = { index: BigInt(at), url: items[at]?.image, caption: `text ${at}`, score: 20 + at / 1_000 };
      expect(rows[at]).toMatchObject(row);
    }
    const long = Array.from({ length: 100 }, (_, at) => ({ image: `x${at}`, text: 'a'.repeat(100_000) }));
    const { file: wide } = write(results.slice(0, 100), long, { columns: ['url', 'caption'], columnNames });
    expect(parquetMetadata(wide).row_groups.length).toBeGreaterThan(1);
    expect((await read(wide)).map(({ caption }) => caption.length)).toEqual(Array(100).fill(100_000));
  });

  test('of one outcome have its rows alone; of none the file has its columns', async () => {
    const results: ItemResult[] = [scored(0), { index: 1, status: 'cancelled' }, scored(2)];
    const items = results.map(() => ({ image: 'x', text: 't' }));
    expect((await read(write(results, items, {}, 'cancelled').file)).map(({ index }) => index)).toEqual([1n]);
    const { file } = write([], [], {});
    expect(await read(file)).toEqual([]);
    expect(parquetSchema(parquetMetadata(file)).children).toHaveLength(11);
  });

  test('have metadata as JSON where the items had no columns, and the model where several share the batch', async () => {
    const metadata = { big: JSON.rawJSON('10.0'), list: [1], 'a.b': 'c' };
    const results = [{ ...scored(0, metadata), model: 'm1' } as ItemResult];
    const [row] = await read(write(results, [{ image: 'x', text: 't' }], { traffic: {} }).file);
    expect(row).toMatchObject({ id: 'k0', image: 'x', text: 't', model: 'm1', metadata: JSON.stringify(metadata) });
  });

  test('keep columns of odd names, and leave out values that their column has no place for', async () => {
    const columns = ['a.b', '', '__proto__', 'constructor', 'url', 'caption', 'hash'];
    const of = { columns, columnNames, columnTypes: columns.map((name) => (name === 'hash' ? 'integer' : 'text')) };
    const metadata = JSON.parse('{"a.b": "1", "": "2", "__proto__": "3", "constructor": "4", "hash": "x"}');
    const { file } = write([scored(0, metadata)], [{ image: 'x', text: 't' }], of as ResultSource);
    const rows: unknown[][] = [];
    const { parquetRead } = await import('hyparquet');
    await parquetRead({ file, onComplete: (read) => rows.push(...read) });
    expect(rows[0]?.slice(0, 8)).toEqual([0n, '1', '2', '3', '4', 'x', 't', null]);
  });
});
