import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { StoredItem } from '../../../batches/store/payload.ts';
import { openInput } from '../../../cli/batch/input.ts';
import { outputBeside, outputFormatOf } from '../../../cli/batch/output-name.ts';
import { openWriter } from '../../../cli/batch/writer.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vls-writer-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const scored = (index: number): ItemResult => ({
  ...{ index, id: `${index}`, metadata: { price: `${index}` }, status: 'succeeded', score: 20, cosine: 0.2 },
});

const receipt = { model: 'compact-1', revision: '1', precision: 'fp32', preprocess: 'p1', longText: 'truncate' };

/** Opens an output of a file with four rows, and gives the results of a range of them. */
async function start(name: string) {
  const file = join(directory, 'pairs.csv');
  const rows = [0, 1, 2, 3].map((row) => `${row},https://a.example/${row}.jpg,text ${row},${row}`);
  await writeFile(file, `id,image,text,price\n${rows.join('\n')}\n`);
  const input = await openInput(file, { strictness: 'lenient' });
  const items: StoredItem[] = [];
  for await (const some of input.items()) items.push(...some);
  const output = join(directory, name);
  const open = (from?: number) =>
    openWriter({ output, format: outputFormatOf(output), input, formulas: 'escape', receipt, ...(from && { from }) });
  const rowsOf = (first: number, end: number) =>
    [items.slice(first, end).map((_, at) => scored(first + at)), items.slice(first, end)] as const;
  return { output, open, rowsOf };
}

async function readParquet(file: string) {
  const bytes = new Uint8Array(await readFile(file));
  return await parquetReadObjects({ file: bytes.buffer });
}

test.each(['out.csv', 'out.tsv', 'out.ndjson', 'out.parquet'])(
  '%s that was interrupted is continued, and equals the one that was not',
  async (name) => {
    const { output, open, rowsOf } = await start(name);
    const whole = await open();
    await whole.add(...rowsOf(0, 4));
    await whole.commit();
    const expected = await readFile(output);
    await rm(output);

    const first = await open();
    await first.add(...rowsOf(0, 1));
    const bytes = first.bytes();
    // Written after the last checkpoint, and cut off.
    await first.add(...rowsOf(1, 2));
    await first.close();
    expect(existsSync(output)).toBe(false);
    const second = await open(bytes);
    await second.add(...rowsOf(1, 3));
    await second.add(...rowsOf(3, 4));
    await second.commit();
    expect(await readFile(output)).toEqual(expected);
    expect(existsSync(`${output}.part`)).toBe(false);
  },
);

test('Parquet has the columns of the file, and no rows that the input does not have', async () => {
  const { output, open, rowsOf } = await start('out.parquet');
  const writer = await open();
  await writer.add(...rowsOf(0, 2));
  await writer.add(...rowsOf(2, 4));
  expect(writer.escaped()).toBe(0);
  await writer.commit();
  expect((await stat(output)).size).toBeGreaterThan(100);
  const rows = await readParquet(output);
  expect(rows).toHaveLength(4);
  expect(rows[3]).toMatchObject({
    ...{ index: 3n, id: '3', image: 'https://a.example/3.jpg', text: 'text 3', price: '3' },
    ...{ status: 'succeeded', score: 20 },
  });
  const { key_value_metadata: facts } = parquetMetadata(new Uint8Array(await readFile(output)).buffer);
  expect(JSON.parse(facts?.find(({ key }) => key === 'vls')?.value ?? '')).toEqual(receipt);
});

test.each([
  ['pairs.csv', 'pairs.scores.csv'],
  ['pairs.tsv.gz', 'pairs.scores.tsv'],
  ['a/pairs.jsonl', 'a/pairs.scores.jsonl'],
  ['pairs.json', 'pairs.scores.ndjson'],
  ['pairs.parquet', 'pairs.scores.parquet'],
])('the output next to %s is %s', (input, output) => {
  expect(outputBeside(input)).toBe(output);
});

test.each(['scores', 'scores.json', 'scores.csv.gz', 'scores.xlsx'])('an output %s is refused', (name) => {
  expect(() => outputFormatOf(name)).toThrow('does not end in .ndjson, .jsonl, .csv, .tsv or .parquet');
});
