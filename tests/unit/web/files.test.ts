import { gzipSync } from 'node:zlib';
import { ByteWriter, type ColumnSource, parquetWrite } from 'hyparquet-writer';
import { pack } from 'tar-stream';
import { describe, expect, test } from 'vitest';
import { recognise } from '../../../formats/signatures.ts';
import { readPhoto } from '../../../testing/images/host.ts';
import { guessColumns } from '../../../web/batches/new/column-mapping.ts';
import { webAddressOf } from '../../../web/batches/new/files/cell.ts';
import { NoPreview, previewOf } from '../../../web/batches/new/preview.ts';
import { noImageWords } from '../../../web/batches/new/start-error.ts';

const fileOf = (bytes: Uint8Array | string, name: string) =>
  new File([typeof bytes === 'string' ? bytes : new Uint8Array(bytes)], name);
const photo = readPhoto('coffee.jpg');
const sizes = (row: readonly unknown[] | undefined) => row?.map((cell) => (cell instanceof Blob ? cell.size : cell));

async function parquetOf(columnData: ColumnSource[], options: object = {}): Promise<Uint8Array> {
  const writer = new ByteWriter();
  await parquetWrite({ writer, columnData, ...options });
  return writer.getBytes();
}

async function tarOf(members: Record<string, Buffer | string>): Promise<Buffer> {
  const tar = pack();
  for (const [name, content] of Object.entries(members)) tar.entry({ name }, content);
  tar.finalize();
  const parts: Buffer[] = [];
  for await (const part of tar) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

describe('the bytes of a file, and not its name, say what it is', () => {
  const png = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');
  test.each([
    ['a PNG', png, 'a PNG image'],
    ['a JPEG', photo, 'a JPEG image'],
    ['a workbook', Buffer.from('PK\x03\x04\x14\0'), 'Excel workbook'],
    ['a PDF', Buffer.from('%PDF-1.7'), 'a PDF'],
    ['an Arrow file', Buffer.from('ARROW1\0\0'), 'Arrow'],
    ['Zstandard', Buffer.from('28b52ffd2400', 'hex'), 'Zstandard'],
    ['noise', Buffer.from(Array.from({ length: 600 }, (_, at) => (at * 37) % 256)), 'binary file'],
  ])('%s under the name of a CSV is refused by its kind', async (_, bytes, kind) => {
    const error = await previewOf(fileOf(bytes, 'pairs.csv')).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(NoPreview);
    expect(String(error)).toContain(kind);
    expect((error as NoPreview).isImage).toBe(/PNG|JPEG/.test(kind));
    await expect(previewOf(fileOf(gzipSync(bytes), 'pairs.csv.gz'))).rejects.toThrow(kind);
  });

  test('Parquet under the name of a CSV is Parquet, and NDJSON is NDJSON', async () => {
    const bytes = await parquetOf([
      { name: 'url', data: ['https://example.org/1.jpg'] },
      { name: 'title', data: ['a cat'] },
    ]);
    expect(await previewOf(fileOf(bytes, 'pairs.csv'))).toMatchObject({ format: 'parquet', columns: ['url', 'title'] });
    const lines = '{"image": "https://example.org/1.jpg", "text": "a cat"}\n';
    expect(await previewOf(fileOf(lines, 'pairs.csv'))).toMatchObject({ format: 'ndjson' });
    expect(await previewOf(fileOf('{id},image,text\n1,x,y\n', 'pairs.csv'))).toMatchObject({ format: 'csv' });
  });

  test.each(['utf8', 'utf16le', 'latin1'] as const)('a text in %s is text', (encoding) => {
    expect(recognise(Buffer.from('image,text\nx,Größe\tund \x1b mehr\n', encoding))).toBeUndefined();
  });

  test.each(['ORCID,image,text', 'PAR1,image,text', 'BZh,image,text', 'GIF8\timage', 'Rar!,image'])(
    'the header %s is text',
    (header) => {
      expect(recognise(Buffer.from(`${header}\n`))).toBeUndefined();
    },
  );
});

describe('Parquet', () => {
  const images = [photo, readPhoto('chelsea.jpg')];
  const texts = ['a cup of coffee', 'قطة'];

  test.each(['UNCOMPRESSED', 'SNAPPY'] as const)('shows images and texts, %s', async (codec) => {
    const columns: ColumnSource[] = [
      { name: 'jpg', data: images, type: 'BYTE_ARRAY' },
      { name: 'caption', data: texts, type: 'STRING' },
      { name: 'n', data: [1n, 2n], type: 'INT64' },
    ];
    const preview = await previewOf(fileOf(await parquetOf(columns, { codec }), 'x.parquet'));
    expect(preview).toMatchObject({
      columns: ['jpg', 'caption', 'n'],
      estimate: { rows: 2, exact: true },
      encoding: '',
    });
    expect(sizes(preview.rows[1])).toEqual([images[1]?.length, 'قطة', '2']);
    expect(guessColumns(preview.columns, preview.rows)).toEqual({ image: 'jpg', text: 'caption', id: '' });
  });

  test('bytes count as an image only if they are one, and those in a column with a usual name come first', async () => {
    const url = { name: 'url', data: ['https://example.org/1.jpg', ''] } satisfies ColumnSource;
    const starts = [Buffer.from('ffd8ff', 'hex'), Buffer.from('ffd8ff', 'hex')];
    const previewWith = async (...columns: ColumnSource[]) => {
      const preview = await previewOf(fileOf(await parquetOf(columns), 'x.parquet'));
      return { preview, image: guessColumns(preview.columns, preview.rows).image };
    };
    const { preview, image } = await previewWith(url, { name: 'thumb', data: starts, type: 'BYTE_ARRAY' });
    expect(image).toBe('url');
    expect(noImageWords(preview, { image: 'url' })).toBeUndefined();
    expect(noImageWords(preview, { image: 'thumb' })).toMatch(/^The shown rows have no image in the column “thumb”/);
    const photos = { data: images, type: 'BYTE_ARRAY' } as const;
    expect((await previewWith({ name: 'thumb', ...photos }, url)).image).toBe('thumb');
    expect((await previewWith({ name: 'thumb', ...photos }, { name: 'image', ...photos })).image).toBe('image');
  });

  test('a damaged file is refused with a reason', async () => {
    await expect(previewOf(fileOf(Buffer.from('PAR1 and nothing else'), 'x.parquet'))).rejects.toThrow(
      /cannot be read/,
    );
  });
});

describe('a tar', () => {
  const members = {
    'shard/000.jpg': photo,
    'shard/000.txt': 'a cup of coffee\n',
    'shard/000.json': '{"width": 4}',
    [`shard/${'long'.repeat(40)}.jpg`]: photo,
    [`shard/${'long'.repeat(40)}.json`]: '{"caption": "a cat", "height": 3}',
    'shard/readme': 'no part of a sample',
  };

  test.each([
    ['plain', (bytes: Buffer) => bytes],
    ['gzipped', gzipSync],
  ])('shows its samples, %s', async (_, pressed) => {
    const preview = await previewOf(fileOf(pressed(await tarOf(members)), 'x.csv'));
    expect(preview).toMatchObject({ format: 'tar', columns: ['id', 'image', 'text', 'metadata'] });
    expect(preview.rows.map(sizes)).toEqual([
      ['shard/000', photo.length, 'a cup of coffee', '{"width":4}'],
      [`shard/${'long'.repeat(40)}`, photo.length, 'a cat', '{"height":3}'],
    ]);
  });

  test('that is read as a whole has a known number of pairs', async () => {
    const seven = Array.from({ length: 7 }, (_, at) => [`${at}.jpg`, photo] as const);
    const preview = await previewOf(fileOf(await tarOf(Object.fromEntries(seven)), 'x.tar'));
    expect(preview.rows.length).toBe(5);
    expect(preview.estimate).toEqual({ rows: 7, exact: true });
  });

  test('without an image and a text at its start is refused', async () => {
    await expect(previewOf(fileOf(await tarOf({ 'a.cls': '1' }), 'x.tar'))).rejects.toThrow(/1\.jpg and 1\.txt/);
  });
});

test('the delimiter is guessed, named and corrected', async () => {
  const file = fileOf('image;text,n\nx;y,1\n', 'pairs.csv');
  expect(await previewOf(file)).toMatchObject({ delimiter: ',', columns: ['image;text', 'n'] });
  expect(await previewOf(file, { delimiter: ';' })).toMatchObject({ delimiter: ';', columns: ['image', 'text,n'] });
});

test('only http(s) addresses are loaded from their hosts', () => {
  expect(webAddressOf(' https://example.org/a.jpg ')).toBe('https://example.org/a.jpg');
  expect(webAddressOf('HTTP://example.org')).toBe('HTTP://example.org');
  const others = ['', 'photos/a.jpg', 'file:///a.jpg', 'data:image/png;base64,AAAA', 'https://', new Blob([])];
  expect(others.map(webAddressOf)).toEqual(others.map(() => undefined));
});
