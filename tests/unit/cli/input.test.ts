import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { StoredItem } from '../../../batches/store/payload.ts';
import { type InputOptions, openInput } from '../../../cli/batch/input.ts';
import { columnSeparator } from '../../../cli/flags.ts';

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vls-input-'));
});
afterEach(() => rm(directory, { recursive: true }));

async function write(name: string, text: string | Buffer): Promise<string> {
  const file = join(directory, name);
  await writeFile(file, text);
  return file;
}

async function read(file: string, options: Partial<InputOptions> = {}) {
  const input = await openInput(file, { strictness: 'lenient', ...options });
  const items: StoredItem[] = [];
  for await (const some of input.items()) items.push(...some);
  return { items, columns: input.header()?.names };
}

describe('CSV', () => {
  test('has columns of any name, and those without a meaning become metadata', async () => {
    const file = await write('pairs.csv', 'sku,photo,caption\n7,a.jpg,"a cat, asleep"\n');
    expect(await read(file, { imageColumn: 'photo', textColumn: 'caption', idColumn: 'sku' })).toEqual({
      items: [{ id: '7', image: 'a.jpg', text: 'a cat, asleep' }],
      columns: ['sku', 'photo', 'caption'],
    });
    expect((await read(file, { imageColumn: 'photo', textColumn: 'caption' })).items).toEqual([
      { image: 'a.jpg', text: 'a cat, asleep', metadata: { sku: '7' } },
    ]);
  });

  test('is separated by tabs in a .tsv, and may be gzip', async () => {
    const file = await write('pairs.tsv.gz', gzipSync('image\ttext\na.jpg\ta cat\n'));
    expect((await read(file)).items).toEqual([{ image: 'a.jpg', text: 'a cat' }]);
  });

  test('without the column that is asked for is refused, with those it has and the flag', async () => {
    const file = await write('pairs.csv', 'page,note\na.jpg,a cat\n');
    await expect(read(file)).rejects.toThrow(
      /no column image; it has page, note\. Set the column names with --image-column and --text-column, and the separator with --delimiter$/,
    );
  });

  test('without a column, and with others of usual names, is refused with the options for these', async () => {
    const file = await write('pairs.csv', 'my photo,photo,text\nx,a.jpg,a cat\n');
    await expect(read(file)).rejects.toThrow(
      /it has my photo, photo, text\. Run the command again with --image-column photo --text-column text$/,
    );
    const named = await write('named.csv', 'Image URL,my words\na.jpg,a cat\n');
    await expect(read(named, { textColumn: 'my words' })).rejects.toThrow(
      /Run the command again with --image-column 'Image URL' --text-column 'my words'$/,
    );
  });

  test('is read in the named encoding; an unknown one is refused', async () => {
    const file = await write('pairs.csv', Buffer.from('image,text\na.jpg,un caf\xe9\n', 'latin1'));
    expect((await read(file)).items[0]).toMatchObject({ error: { code: 'item.encoding' } });
    for (const encoding of ['latin-1', 'cp1252', 'ISO-8859-1']) {
      expect((await read(file, { encoding })).items).toEqual([{ image: 'a.jpg', text: 'un café' }]);
    }
    await expect(read(file, { encoding: 'latin9000' })).rejects.toThrow('--encoding latin9000 is not supported');
    await expect(read(fixture('links.parquet'), { encoding: 'cp1252' })).rejects.toThrow(
      'applies only to text formats, not to Parquet',
    );
  });

  test('with another delimiter, or a column twice, is refused with the flag', async () => {
    const other = await write('pairs.csv', 'image;text\na.jpg;a cat\n');
    const seems = /it has .+\. Its columns seem to be separated by ";"\. Run the command again with /;
    await expect(read(other)).rejects.toThrow(new RegExp(`${seems.source}--delimiter ';'$`));
    const named = await write('named.csv', 'photo;"caption"\na.jpg;a cat\n');
    const flags = { imageColumn: 'photo', textColumn: 'caption' };
    await expect(read(named, flags)).rejects.toThrow(new RegExp(`${seems.source}--delimiter ';'$`));
    await expect(read(named)).rejects.toThrow(
      new RegExp(`${seems.source}--delimiter ';' --image-column photo --text-column caption$`),
    );
    const tabs = await write('tabs.csv', 'image\ttext\na.jpg\ta cat\n');
    await expect(read(tabs)).rejects.toThrow(/Run the command again with --delimiter tab$/);
    const unusual = await write('unusual.csv', 'page;note\na.jpg;a cat\n');
    await expect(read(unusual)).rejects.toThrow(/separated by ";"\. Set the column names .* with --delimiter$/);
    await expect(read(await write('twice.csv', 'image,text,text\na,b,c\n'))).rejects.toThrow('two columns text');
  });

  test.each([
    [';', ';'],
    ['\t', '\t'],
    ['tab', '\t'],
    ['\\t', '\t'],
    ['¦', '¦'],
    ['||', '||'],
  ])('has the delimiter of --delimiter %j', (text, delimiter) => {
    expect(columnSeparator(text)).toBe(delimiter);
  });

  test.each(['semicolon', '', '"', '\n'])('with --delimiter %j is refused', (text) => {
    expect(() => columnSeparator(text)).toThrow('Expected one to four characters');
  });

  test('with a row too long fails that row alone', async () => {
    const file = await write('pairs.csv', 'image,text\na.jpg,a cat,and more\nb.jpg,a dog\n');
    const error = {
      code: 'item.invalid',
      message: 'line 2 has 3 columns, the header has 2; these values have no column: "and more"',
      retryable: false,
    };
    expect((await read(file)).items).toEqual([expect.objectContaining({ error }), { image: 'b.jpg', text: 'a dog' }]);
    await expect(read(file, { strictness: 'strict' })).rejects.toThrow(
      `${file}, line 2 has 3 columns, the header has 2; these values have no column: "and more". Correct the row, or leave out --strict: then only this row fails`,
    );
  });

  test('with an empty image or a long id names the column of the file', async () => {
    const id = 'x'.repeat(257);
    const file = await write('pairs.csv', `photo,caption,sku\n,a cat,${id}\n`);
    const columns = { imageColumn: 'photo', textColumn: 'caption', idColumn: 'sku' };
    const message = 'line 2: column photo is empty; column sku is longer than 256 characters';
    expect((await read(file, columns)).items).toMatchObject([{ text: 'a cat', error: { message } }]);
    await expect(read(file, { ...columns, strictness: 'strict' })).rejects.toThrow(message);
  });
});

describe('NDJSON', () => {
  test('has fields of any name, and those without a meaning become metadata', async () => {
    const lines = '{"url": "https://a.example/1.jpg", "caption": "a cat", "key": 12, "width": 640}\nnonsense\n';
    const options = { imageColumn: 'url', textColumn: 'caption', idColumn: 'key' };
    expect((await read(await write('pairs.jsonl', lines), options)).items).toEqual([
      { image: 'https://a.example/1.jpg', text: 'a cat', id: '12', metadata: { width: 640 } },
      { error: expect.objectContaining({ code: 'item.invalid', message: expect.stringContaining('line 2') }) },
    ]);
  });

  test('ends after the rows that are asked for', async () => {
    const lines = Array.from({ length: 1000 }, (_, at) => `{"image": "${at}.jpg", "text": "t"}\n`).join('');
    const { items } = await read(await write('pairs.ndjson', lines), { limit: 3 });
    expect(items.map((item) => 'image' in item && item.image)).toEqual(['0.jpg', '1.jpg', '2.jpg']);
  });
});

describe('Parquet', () => {
  test('is read over row groups; numbers, dates and nulls are what JSON has for them, bytes are left out', async () => {
    const options = { imageColumn: 'url', textColumn: 'caption', idColumn: 'key' };
    const { items, columns } = await read(fixture('links.parquet'), options);
    expect(columns).toEqual(['key', 'url', 'caption', 'hash', 'day']);
    expect(items).toHaveLength(10);
    expect(items[9]).toEqual({
      id: '9',
      image: 'https://images.example/9.jpg',
      text: 'caption 9',
      metadata: { hash: JSON.rawJSON('9007199254741002'), day: '2024-01-10T00:00:00.000Z' },
    });
    expect(items[3]).toMatchObject({
      id: '3',
      error: { code: 'item.invalid', message: expect.stringMatching(/^row 3: /) },
    });
  });

  test('may hold the images themselves, in the form of Hugging Face or bare', async () => {
    const { items } = await read(fixture('images.parquet'));
    expect(items).toEqual([
      { image: { base64: expect.stringMatching(/^iVBOR/), path: 'a.png' }, text: 'a red dot' },
      { image: 'b.png', text: 'another' },
    ]);
    const bare = await read(fixture('images.parquet'), { imageColumn: 'raw' });
    expect(bare.items).toMatchObject([
      { image: { base64: expect.stringMatching(/^iVBOR/) } },
      { image: 'https://images.example/raw.png' },
    ]);
  });

  test('without the column, or that is none, is refused', async () => {
    await expect(read(fixture('links.parquet'))).rejects.toThrow(
      /no column image; it has key, url, .*\. Run the command again with --image-column url --text-column caption$/,
    );
    const unusual = parquetWriteBuffer({ columnData: ['a', 'b'].map((name) => ({ name, data: ['x'] })) });
    await expect(read(await write('unusual.parquet', Buffer.from(unusual)))).rejects.toThrow(
      /no column image; it has a, b\. Set the column names with --image-column and --text-column$/,
    );
    await expect(read(await write('no.parquet', 'image,text\n'))).rejects.toThrow('cannot be read as Parquet');
  });
});

test.each([
  ['pairs.xlsx', 'x', 'does not end in .ndjson, .jsonl, .csv'],
  ['pairs.csv', '', 'pairs.csv is empty'],
  ['header.csv', 'image,text\n', 'header.csv has no rows'],
  ['blank.ndjson', '\n\n', 'blank.ndjson has no rows'],
  ['list.json', '[]', 'list.json has no rows'],
])('%s with %j is refused', async (name, text, said) => {
  await expect(read(await write(name, text))).rejects.toThrow(said);
});

test.each([
  [
    'PNG.csv',
    '\x89PNG\r\n\x1a\n\0\0\0\rIHDR',
    /PNG\.csv is a PNG image, not a list of pairs\. `.*vls.* score` scores a/,
  ],
  [
    'workbook.tsv',
    'PK\x03\x04\x14\0',
    /is an Excel workbook or a ZIP archive, not a list of pairs\. Save a workbook as CSV/,
  ],
  ['photos.ndjson', '\xff\xd8\xff\xe0', /is a JPEG image, not/],
  ['document.parquet', '%PDF-1.7', /is a PDF document, not/],
  ['rows.csv', 'PAR1\x15\x04', /is a Parquet file: rename it so that its name ends in \.parquet$/],
])(
  '%s with bytes of another kind is refused by that kind, without advice about encodings',
  async (name, bytes, why) => {
    const refusal = read(await write(name, Buffer.from(bytes, 'latin1')));
    await expect(refusal).rejects.toThrow(why);
    await expect(refusal).rejects.not.toThrow(/encoding|column/);
  },
);

test('bytes of no known kind under the name of a CSV are refused as binary, without advice about columns', async () => {
  const noise = Buffer.from(Array.from({ length: 600 }, (_, at) => (at * 37) % 256));
  const refusal = read(await write('noise.csv', noise));
  await expect(refusal).rejects.toThrow(/is a binary file of an unknown kind, not a list of pairs\. Save it as CSV/);
  await expect(refusal).rejects.not.toThrow(/encoding|column/);
});

test('a table whose first column is named ORCID is read', async () => {
  const file = await write('pairs.csv', 'ORCID,image,text\n7,a.jpg,a cat\n');
  expect((await read(file)).items).toMatchObject([{ metadata: { ORCID: '7' } }]);
});

test('a file that is not there is refused', async () => {
  await expect(read(join(directory, 'none.csv'))).rejects.toThrow('There is no file');
});
