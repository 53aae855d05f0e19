import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { csv as csvFormat } from '../../../formats/csv.ts';
import type { ReadItem } from '../../../formats/items.ts';
import { ndjson } from '../../../formats/ndjson.ts';
import { areColumnsSwapped, guessColumns, mappingError } from '../../../web/batches/new/column-mapping.ts';
import { rowFaultsOf } from '../../../web/batches/new/files/row-faults.ts';
import { batchCommand, localPathWords } from '../../../web/batches/new/local-paths.ts';
import { NoPreview, previewOf } from '../../../web/batches/new/preview.ts';
import { noImageWords, startAgainWords, startError } from '../../../web/batches/new/start-error.ts';
import { detailAfter } from '../../../web/ui/sentence.ts';

const rows = (count: number) =>
  Array.from({ length: count }, (_, at) => `A-${at};https://example.org/${at}.jpg;"a cat; number ${at}"\n`).join('');
const csv = (count: number) => `sku;photo;caption\n${rows(count)}`;

test('the first rows of a CSV show in its own columns', async () => {
  const preview = await previewOf(new File([`\uFEFF${csv(3)}`], 'pairs.csv'));
  expect(preview).toMatchObject({ format: 'csv', delimiter: ';', columns: ['sku', 'photo', 'caption'] });
  expect(preview.rows[2]).toEqual(['A-2', 'https://example.org/2.jpg', 'a cat; number 2']);
  expect(preview.estimate).toEqual({ rows: 3, exact: true });
});

test.each([
  ['utf-8', '', 'Größe', (text: string) => Buffer.from(text)],
  ['utf-16le', '\uFEFF', 'Größe 絵', (text: string) => Buffer.from(text, 'utf16le')],
  ['utf-16le', '', 'Größe', (text: string) => Buffer.from(text, 'utf16le')],
  ['utf-16be', '', 'Größe', (text: string) => Buffer.from(text, 'utf16le').swap16()],
  ['windows-1252', '', 'Größe', (text: string) => Buffer.from(text, 'latin1')],
] as const)('a file in %s is recognised, and its preview says so', async (encoding, mark, word, encode) => {
  const bytes = new Uint8Array(encode(`${mark}image,text\nx,${word}\n`));
  const preview = await previewOf(new File([bytes], 'pairs.csv'));
  expect(preview).toMatchObject({ encoding, columns: ['image', 'text'], rows: [['x', word]] });
});

test('another encoding may be chosen, and a character that the head cuts does not change the guess', async () => {
  const cyrillic = Uint8Array.of(...Buffer.from('image,text\nx,'), 0xea, 0xee, 0xf2, 0x0a);
  const file = new File([cyrillic], 'pairs.csv');
  expect((await previewOf(file)).encoding).toBe('windows-1252');
  expect(await previewOf(file, { encoding: 'windows-1251' })).toMatchObject({
    encoding: 'windows-1251',
    rows: [['x', 'кот']],
  });
  const long = new File([`image,text\n${'x,é\n'.repeat(100_001)}`], 'pairs.csv');
  for (const cut of [0, 1, 2, 3]) {
    const moved = new File(['a'.repeat(cut), long], 'pairs.csv');
    expect((await previewOf(moved)).encoding).toBe('utf-8');
  }
});

test('a first line sep=| is not a header, and says what separates', async () => {
  const preview = await previewOf(new File(['sep=|\r\nimage|text\r\nx|a,b\r\n'], 'pairs.csv'));
  expect(preview).toMatchObject({ delimiter: '|', columns: ['image', 'text'], rows: [['x', 'a,b']] });
});

test('a broken row is a row of its own, with the error that the service gives it', async () => {
  const lines = [
    'image,text,n',
    'a.jpg,a cat,1,more',
    'b.jpg,"a cup,2',
    'c.jpg,a rocket,3',
    'd.jpg',
    ',,',
    '"e.jpg" ,e',
  ];
  for (const start of ['', 'sep=,\n']) {
    const text = `${start}${lines.join('\n')}\n`;
    const columns = { image: 'image', text: 'text', id: 'id' };
    const { items } = csvFormat.readStream(Readable.from([Buffer.from(text)]), { strictness: 'lenient', columns });
    const read: ReadItem[] = [];
    for await (const some of items) read.push(...some);
    const preview = await previewOf(new File([text], 'pairs.csv'));
    expect(preview.estimate).toEqual({ rows: read.length, exact: true });
    expect(preview.rows[2]).toEqual(['c.jpg', 'a rocket', '3']);
    const errors = read.flatMap((item, at) => ('error' in item ? [[at, item.error.message] as const] : []));
    expect(errors.map(([at]) => at)).toEqual([0, 1, 3]);
    expect([...rowFaultsOf(preview, columns)]).toEqual(errors);
  }
});

test('of a long file the head alone is read, and the rows are estimated', async () => {
  const file = new File([csv(200_000)], 'pairs.csv');
  const read: [number | undefined, number | undefined][] = [];
  const slice = file.slice.bind(file);
  file.slice = (from, to, type) => {
    read.push([from, to]);
    return slice(from, to, type);
  };
  for (const whole of ['text', 'stream', 'arrayBuffer'] as const) {
    file[whole] = () => {
      throw new Error('the whole file was read');
    };
  }
  const { estimate } = await previewOf(file);
  expect(read).toEqual([[0, 256 * 1024]]);
  expect(estimate?.exact).toBe(false);
  expect(estimate?.rows).toBeGreaterThan(180_000);
  expect(estimate?.rows).toBeLessThan(220_000);
});

test('a gzipped file shows its rows although its start is not a complete gzip file', async () => {
  const noise = (at: number) => Math.sin(at).toString(36);
  const text = `image,text\n${Array.from({ length: 60_000 }, (_, at) => `https://example.org/${noise(at)},${noise(-at)}\n`).join('')}`;
  const bytes = gzipSync(text);
  expect(bytes.length).toBeGreaterThan(256 * 1024);
  const preview = await previewOf(new File([new Uint8Array(bytes)], 'pairs.csv.gz'));
  expect(preview).toMatchObject({ gzipped: true, columns: ['image', 'text'], estimate: undefined });
  expect(preview.rows).toHaveLength(5);
});

test('NDJSON shows every field that its first lines have', async () => {
  const lines = '{"url": "https://example.org/1.jpg", "alt": "a cat"}\n{"url": "x", "alt": "y", "n": 3}\nno json\n';
  const preview = await previewOf(new File([lines], 'pairs.jsonl'));
  expect(preview.columns).toEqual(['url', 'alt', 'n']);
  expect(preview.rows).toEqual([
    ['https://example.org/1.jpg', 'a cat', ''],
    ['x', 'y', '3'],
    ['', '', ''],
  ]);
});

test.each([
  { image: 'image', text: 'text', id: 'id' },
  { image: 'url', text: 'alt', id: '' },
])('a broken line of NDJSON is a row of its own, with the error that the service gives it: %j', async (columns) => {
  const { image, text } = columns;
  const lines = [
    `{"${image}": "a.jpg", "${text}": "a cat"}`,
    '',
    `{"${image}": "b.jpg", "${text}": "a cup"`,
    `["b.jpg", "a cup"]`,
    `{"${image}": null, "${text}": 7}\r`,
    `{"${text}": "a rocket"}`,
  ];
  const body = `${lines.join('\n')}\n`;
  const options = { strictness: 'lenient', columns, fields: columns } as const;
  const read: ReadItem[] = [];
  for await (const some of ndjson.readStream(Readable.from([Buffer.from(body)]), options).items) read.push(...some);
  const preview = await previewOf(new File([body], 'pairs.jsonl'));
  expect(preview.rows).toHaveLength(read.length);
  const errors = read.flatMap((item, at) => ('error' in item ? [[at, item.error.message] as const] : []));
  expect(errors.map(([at]) => at)).toEqual([1, 2, 3, 4]);
  expect([...rowFaultsOf(preview, columns)]).toEqual(errors);
});

test.each([
  ['an empty file', ''],
  ['one JSON list', '[{"image": "x"}]'],
])('%s is refused with a reason', async (_what, content) => {
  await expect(previewOf(new File([content], 'pairs'))).rejects.toThrow(NoPreview);
});

test.each([
  [['image', 'text', 'id'], { image: 'image', text: 'text', id: 'id' }],
  [['SKU', 'Image URL', 'Title'], { image: 'Image URL', text: 'Title', id: 'SKU' }],
  [['price', 'where', 'words'], { image: 'where', text: 'words', id: '' }],
])('columns %j are guessed by name, or by what stands in them', (columns, mapping) => {
  const row = { price: '3', where: 'https://example.org/1.jpg', words: 'a cat' };
  expect(guessColumns(columns, [columns.map((column) => row[column as keyof typeof row] ?? 'x')])).toEqual(mapping);
});

test('a usual name counts less than an image in the shown rows, and more than any other column', () => {
  const imageOf = (columns: string[], row: string[]) => guessColumns(columns, [row]).image;
  expect(imageOf(['image', 'url'], ['A-1', 'https://example.org/1.jpg'])).toBe('url');
  expect(imageOf(['image', 'page'], ['A-1', 'https://example.org/1.jpg'])).toBe('image');
  expect(imageOf(['image', 'text'], ['a cat', 'https://example.org/1.jpg'])).toBe('image');
});

test('a mapping that names one column twice, or none, cannot be posted', () => {
  expect(mappingError({ image: 'a', text: 'b', id: '' })).toBeUndefined();
  expect(mappingError({ image: '', text: 'b', id: '' })).toContain('images');
  expect(mappingError({ image: 'a', text: 'a', id: '' })).toContain('different');
  expect(mappingError({ image: 'a', text: 'b', id: 'b' })).toContain('different');
});

test('a file with only a header cannot start, and the reason comes before that of the columns', async () => {
  const unmapped = { image: '', text: '', id: '' };
  for (const name of ['pairs.csv', 'pairs.tsv']) {
    const empty = await previewOf(new File([name.endsWith('tsv') ? 'image\ttext\n' : 'image,text'], name));
    expect(empty.rows).toEqual([]);
    expect(startError(empty, guessColumns(empty.columns, empty.rows))).toMatch(
      /^The file has no rows after the header/,
    );
    expect(startError(empty, unmapped)).toMatch(/^The file has no rows/);
  }
  const one = await previewOf(new File(['image,text\nx,y\n'], 'pairs.csv'));
  expect(startError(one, guessColumns(one.columns, one.rows))).toBeUndefined();
  expect(startError(one, unmapped)).toBe(mappingError(unmapped));
  // The number of rows of a gzip file is unknown if only its start was read.
  const unknown = { ...one, estimate: undefined };
  expect(startError(unknown, { image: 'image', text: 'text', id: '' })).toBeUndefined();
});

test('a wrong separator is named when a column is missing', async () => {
  const file = new File(['image;text\nhttps://a.example/1.jpg;a cat\n'], 'pairs.csv');
  const wrong = await previewOf(file, { delimiter: '|' });
  expect(startError(wrong, guessColumns(wrong.columns, wrong.rows))).toMatch(
    /The columns seem to be separated by semicolons: choose them in “Separated by”\.$/,
  );
  const right = await previewOf(file);
  expect(startError(right, { image: '', text: '', id: '' })).toBe('Choose the column with the images.');
});

test('a file without an image gets a warning, and no other one does', async () => {
  const wordsOf = async (text: string, name = 'pairs.csv') => {
    const preview = await previewOf(new File([text], name));
    return noImageWords(preview, guessColumns(preview.columns, preview.rows));
  };
  const advice = 'An image is an address (https://…), a data URI, base64 or, in Parquet, the bytes of a file.';
  expect(await wordsOf('import os, sys\nprint(1, 2)\n', 'tool.py')).toBe(`The shown rows have no image. ${advice}`);
  expect(await wordsOf('image,text\nred,a cat\n')).toBe(
    `The shown rows have no image in the column “image”. ${advice}`,
  );
  for (const image of [
    'https://a.example/1',
    'www.a.example/1',
    'photos/1.jpg',
    '/9j/'.repeat(60),
    'R0lGODlhAQABAIAAAAAAAP',
  ])
    expect(await wordsOf(`image,text\n${image},a cat\n`)).toBeUndefined();
  const item = JSON.stringify({ image: { bytes: 'a' }, text: 'a cat' });
  expect(await wordsOf(`${item}\n`, 'pairs.ndjson')).toBeUndefined();
  expect(await wordsOf('image,text\n')).toBeUndefined();
});

test('after a failed start the page names the next step, unless the request was refused', () => {
  expect(startAgainWords({ status: 503 })).toMatch(/only when you press Start\. If .* already stored the batch/);
  expect([0, 400, 413].map((status) => startAgainWords({ status }))).toEqual([undefined, undefined, undefined]);
});

test('a problem whose detail repeats its title is shown once', () => {
  expect(detailAfter('The batch has no items', 'The batch has no items')).toBe('');
  expect(detailAfter('The batch has no items', 'the batch has no items.')).toBe('');
  expect(detailAfter('The batch has no items', 'The file pairs.csv has no rows')).toBe(
    'The file pairs.csv has no rows.',
  );
});

test.each([
  ['pairs.csv', 'csv', ',', 'utf-8', { image: 'image', text: 'Text', id: '' }, 'vls batch path/to/pairs.csv'],
  [
    "it's mine.csv",
    'csv',
    ';',
    'windows-1252',
    { image: 'photo', text: 'my caption', id: 'sku' },
    "vls batch 'path/to/it'\\''s mine.csv' --image-column photo --text-column 'my caption' --id-column sku --delimiter ';' --encoding windows-1252",
  ],
  ['a.tsv', 'tsv', '\t', 'utf-8', { image: 'image', text: 'text', id: 'id' }, 'vls batch path/to/a.tsv'],
  [
    'a.csv',
    'csv',
    '\t',
    'utf-16le',
    { image: 'image', text: 'text', id: '' },
    'vls batch path/to/a.csv --delimiter tab',
  ],
  [
    'a.parquet',
    'parquet',
    '',
    '',
    { image: 'image', text: 'alt', id: '' },
    'vls batch path/to/a.parquet --text-column alt',
  ],
] as const)('the command for %s has what the form shows', (file, format, delimiter, encoding, mapping, command) => {
  expect(batchCommand(file, { format, delimiter, encoding }, mapping)).toBe(command);
});

test('columns are swapped if all shown rows have a text as image and an image as text', () => {
  const swapped = (...rows: [string | Blob, string][]) =>
    areColumnsSwapped(['image', 'text'], rows, { image: 'image', text: 'text' });
  expect(swapped(['a cat', 'https://a.test/1'], ['a dog', 'photos/dog.jpg'])).toBe(true);
  expect(swapped(['cat', 'photos/1.jpg'], ['dog', 'photos/2.jpg'])).toBe(true);
  expect(swapped(['a cat', 'https://a.test/1'], ['a dog', 'a bone'])).toBe(false);
  expect(swapped(['photos/1.jpg', 'photos/dog.jpg'])).toBe(false);
  expect(swapped(['./photos/1', 'dog.jpg'])).toBe(false);
  expect(swapped(['/9j/4AAQ'.repeat(100), 'dog.jpg'])).toBe(false);
  expect(swapped([new Blob([]), 'dog.jpg'])).toBe(false);
  expect(swapped()).toBe(false);
});

test('rows with local paths in place of images are counted, but not addresses and image data', () => {
  const wordsOf = (...images: string[]) =>
    localPathWords({ columns: ['photo', 'text'], rows: images.map((image) => [image, 'a.jpg']) }, { image: 'photo' });
  const jpeg = `/9j/${'4AAQ'.repeat(100)}`;
  const paths = [
    'photos/cat.jpg',
    'cat.png',
    '/home/me/cat',
    'photos/cat',
    './cat.jpg',
    'C:\\photos\\cat.jpg',
    'my photos/a cat.jpg',
    'file:///cat.jpg',
  ];
  for (const path of paths)
    expect(wordsOf(path), path).toMatch(/^The shown rows have local paths in the column “photo”\./);
  const others = [
    'https://example.org/cat.jpg',
    'data:image/png;base64,AAAA',
    jpeg,
    'example.org/cat.jpg',
    'cat',
    'R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7',
    '{"url": "https://example.org/cat.jpg"}',
    '',
  ];
  for (const other of others) expect(wordsOf(other), other).toBeUndefined();
  expect(wordsOf('cat.jpg', 'https://example.org/cat.jpg')).toMatch(/^1 of the 2 shown rows has a local path /);
  expect(wordsOf('cat.jpg', 'dog.jpg', 'https://example.org/cat.jpg')).toMatch(
    /^2 of the 3 shown rows have local paths /,
  );
});
