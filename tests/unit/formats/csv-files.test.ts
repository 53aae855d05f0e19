import { readFileSync } from 'node:fs';
import { stringify } from 'csv-stringify/sync';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { StoredItem } from '../../../batches/store/payload.ts';
import type { ReadOptions } from '../../../formats/format.ts';
import { readItems } from '../../../formats/index.ts';

const caseOf = (name: string): Buffer => readFileSync(new URL(`../../cases/${name}`, import.meta.url));

/** Reads CSV that comes in parts of so many bytes. */
async function read(content: string | Buffer, options: Partial<ReadOptions> = {}, partBytes = 7) {
  const bytes = Buffer.from(content);
  async function* parts() {
    for (let at = 0; at < bytes.length; at += partBytes) yield bytes.subarray(at, at + partBytes);
  }
  const items: StoredItem[] = [];
  const columns = { image: 'image', text: 'text', id: 'id' };
  const file = readItems('csv', parts(), { columns, strictness: 'lenient', ...options });
  for await (const some of file.items) items.push(...some);
  return { items, header: file.header()?.names ?? [], columns: file.header()?.columns };
}

const textsOf = (items: readonly StoredItem[]) => items.map((item) => ('error' in item ? item.error : item.text));
const idsOf = (items: readonly StoredItem[]) => items.map(({ id }) => id);
const invalid = (message: string) => ({ code: 'item.invalid', message, retryable: false });

describe('line ends', () => {
  test.each(['csv-mixed-crlf-header-lf-rows.csv', 'csv-mixed-one-lf-row.csv'])(
    '%s: each row ends as it says itself',
    async (name) => {
      for (const partBytes of [1, 7, 1000]) {
        const { items } = await read(caseOf(name), {}, partBytes);
        expect(textsOf(items)).toEqual(['one', 'two', 'three']);
        expect(idsOf(items)).toEqual(['a1', 'a2', 'a3']);
      }
    },
  );

  test('CR alone, as old programs of Macs write it, ends a row too', async () => {
    const { items } = await read('image,text\rx,one\ry,two\r\nz,"th\rree"\n');
    expect(textsOf(items)).toEqual(['one', 'two', 'th\rree']);
  });
});

describe('quotes', () => {
  test('one that is closed by the quote of a later row fails its own line alone', async () => {
    const { items } = await read(caseOf('csv-open-quote-closed-later.csv'));
    expect(textsOf(items)).toEqual([
      invalid(
        'line 2: a quote opens on line 2, and text follows the closing quote on line 5; inside a quoted cell, write each quote twice',
      ),
      'b',
      'say ""hi""',
      'fine',
      'last',
    ]);
    expect(items[0]).toMatchObject({ image: 'http://127.0.0.1:9101/ok', text: '"open quote', id: '1' });
    const strict = read(caseOf('csv-open-quote-closed-later.csv'), { strictness: 'strict' });
    await expect(strict).rejects.toThrow('a quote opens on line 2');
  });

  test('one that is never closed fails its own line alone', async () => {
    const rows = Array.from({ length: 5_000 }, (_, at) => `y,row ${at}\n`).join('');
    const { items } = await read(`image,text\nx,"open\n${rows}`, {}, 16_384);
    expect(items).toHaveLength(5_001);
    expect(items[0]).toMatchObject({
      error: { message: expect.stringContaining('opens on line 2 and is never closed') },
    });
    expect(items[5_000]).toEqual({ image: 'y', text: 'row 4999' });
  });

  test('in a row of several lines, the line on which it opens is named', async () => {
    const { items } = await read('image,text,note\nx,"two\nlines","open\ny,b,c\nz,"d",e\n');
    expect(textsOf(items)).toEqual([
      invalid(
        'line 2: a quote opens on line 3, and text follows the closing quote on line 5; inside a quoted cell, write each quote twice',
      ),
      'b',
      'd',
    ]);
  });

  test('inside a cell without quotes they stand for themselves', async () => {
    const { items } = await read('image,text\nx,5" disk\ny,"a ""b"" c" \nz,"line\r\nbreak"\n');
    expect(textsOf(items)).toEqual(['5" disk', 'a "b" c', 'line\r\nbreak']);
  });
});

describe('columns', () => {
  test.each([
    ['csv-duplicate-text-column.csv', 'two columns text, the 2nd and the 3rd'],
    ['csv-proto-dup.csv', 'two columns note, the 6th and the 7th'],
  ])('%s: a name that two columns have refuses the file', async (name, said) => {
    await expect(read(caseOf(name))).rejects.toThrow(said);
  });

  test('may be called __proto__ and constructor', async () => {
    const { items } = await read('image,text,__proto__,constructor\nx,a,P,C\ny,b\n');
    expect(JSON.stringify(items[0])).toBe('{"image":"x","text":"a","metadata":{"__proto__":"P","constructor":"C"}}');
    expect(items[1]).toEqual({ image: 'y', text: 'b' });
  });

  test('are found in any case, and the id of LAION is the id', async () => {
    const { items, columns } = await read('SAMPLE_ID,Image,TEXT\n7,x,a\n');
    expect(items).toEqual([{ id: '7', image: 'x', text: 'a' }]);
    expect(columns).toEqual({ image: 'Image', text: 'TEXT', id: 'SAMPLE_ID' });
    await expect(read('Image,IMAGE,text\nx,y,a\n')).rejects.toThrow('The CSV has Image and IMAGE');
    expect((await read('Image,image,text\nx,y,a\n')).items).toEqual([
      { image: 'y', text: 'a', metadata: { Image: 'x' } },
    ]);
  });

  test('without names are called by their place where there are several', async () => {
    const { items, header } = await read('image,text,,\nx,a,1,2\n');
    expect(header).toEqual(['image', 'text', 'column_3', 'column_4']);
    expect(items[0]?.metadata).toEqual({ column_3: '1', column_4: '2' });
    expect((await read(',image,text\n0,x,a\n')).items[0]?.metadata).toEqual({ '': '0' });
  });

  test('a first line sep=; says what separates them', async () => {
    for (const partBytes of [1, 1000]) {
      const { items } = await read(caseOf('csv-excel-sep-line.csv'), {}, partBytes);
      expect(items).toEqual([{ image: 'http://127.0.0.1:9101/ok', text: 'a' }]);
    }
    const bad = await read('"sep=;"\r\nimage;text\r\nx;a;b\r\n');
    expect(textsOf(bad.items)).toEqual([
      invalid('line 3 has 3 columns, the header has 2; these values have no column: "b"'),
    ]);
  });

  test('separated by something else than was asked for are refused, and the message names it', async () => {
    await expect(read('image;text\nx;a\n')).rejects.toThrow(
      'Its columns seem to be separated by ";". Set this separator with the query parameter ?delimiter=%3B',
    );
    await expect(read('image\ttext\nx\ta\n')).rejects.toThrow('seem to be separated by "\\t"');
    await expect(read('image,text\nx,a\n', { delimiter: ';' })).rejects.toThrow('seem to be separated by ","');
    await expect(read('photo;caption\nx;a\n')).rejects.toThrow(
      'has no column image; it has photo;caption. Its columns seem to be separated by ";". Set this separator with the query parameter ?delimiter=%3B. Name another column with the query parameter ?image=NAME',
    );
    await expect(read('photo,caption\nx,a\n')).rejects.toThrow(
      'it has photo, caption. Name another column with the query parameter ?image=NAME',
    );
  });
});

describe('rows', () => {
  test('of empty cells alone are passed over, as empty lines are', async () => {
    const { items } = await read('image,text,note\n,,\nx,a,b\n\n"", ,\n  \ny,c,d\n');
    expect(textsOf(items)).toEqual(['a', 'c']);
  });

  test('with too few or too many columns come back with their own cells', async () => {
    const { items } = await read('id,image,text,note\n1,x\n2,y,b,c,d\n3,z,c\n');
    expect(items).toEqual([
      { id: '1', image: 'x', error: invalid('line 2 has 2 columns, the header has 4') },
      {
        id: '2',
        image: 'y',
        text: 'b',
        metadata: { note: 'c' },
        error: invalid('line 3 has 5 columns, the header has 4; these values have no column: "d"'),
      },
      { id: '3', image: 'z', text: 'c' },
    ]);
  });
});

describe('encodings', () => {
  const encoding = (message: string) => ({ code: 'item.encoding', message, retryable: false });
  const advice =
    'is not UTF-8; name the encoding of the file, as charset of its content type or with --encoding of vls batch';

  test('bytes that are not UTF-8 fail their line alone', async () => {
    const { items } = await read(caseOf('csv-latin1.csv'));
    expect(items).toEqual([
      {
        image: 'http://127.0.0.1:9101/ok',
        text: 'un caf\uFFFD',
        metadata: { note: 'cr\uFFFDme' },
        error: encoding(`line 2: the byte 0xe9 at character 7 ${advice}`),
      },
    ]);
    const mixed = Buffer.concat([
      Buffer.from('image,text\nx,é\n'),
      Buffer.from('y,\xe9\n', 'latin1'),
      Buffer.from('z,ü\n'),
    ]);
    for (const partBytes of [1, 3, 1000]) {
      const texts = textsOf((await read(mixed, {}, partBytes)).items);
      expect(texts).toEqual(['é', encoding(`line 3: the byte 0xe9 at character 1 ${advice}`), 'ü']);
    }
    await expect(read(mixed, { strictness: 'strict' })).rejects.toThrow('line 3: the byte 0xe9');
    await expect(read(Buffer.from('image,text,a\xf1o\n', 'latin1'))).rejects.toThrow(/header.*0xf1/);
  });

  test('a declared one is read', async () => {
    expect(textsOf((await read(caseOf('csv-latin1.csv'), { encoding: 'windows-1252' })).items)).toEqual(['un café']);
    expect((await read(caseOf('cp1252.csv'), { encoding: 'windows-1252' })).items[0]).toMatchObject({
      text: 'eine Kätzchen-Größe',
    });
    const japanese = Buffer.from([0x8a, 0x47]); // 絵 in Shift_JIS
    const file = Buffer.concat([
      Buffer.from('image,text\nx,'),
      japanese,
      Buffer.from('\ny,'),
      Buffer.from([0x8a, 0x0a]),
    ]);
    const { items } = await read(file, { encoding: 'shift_jis' }, 1);
    expect(textsOf(items)).toEqual(['絵', encoding('line 3: some of its bytes are not shift_jis')]);
  });

  test.each([
    ['UTF-16 with a byte order mark', (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le')],
    ['big-endian UTF-16 with a byte order mark', (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le').swap16()],
    ['UTF-16 without one', (text: string) => Buffer.from(text, 'utf16le')],
    ['big-endian UTF-16 without one', (text: string) => Buffer.from(text, 'utf16le').swap16()],
    ['UTF-8 with a byte order mark', (text: string) => Buffer.from(`\uFEFF${text}`)],
  ])('%s is recognised', async (_what, encode) => {
    for (const partBytes of [1, 3, 1000]) {
      const { items } = await read(encode('image,text\r\nx,"Größe 😀\n絵"\r\n'), {}, partBytes);
      expect(items).toEqual([{ image: 'x', text: 'Größe 😀\n絵' }]);
    }
  });

  test('half a surrogate pair in UTF-16 fails its line alone', async () => {
    const { items } = await read(Buffer.from('\uFEFFimage,text\nx,a\ud83d\ny,b\n', 'utf16le'));
    expect(textsOf(items)).toEqual([encoding('line 2: some of its bytes are not utf-16le'), 'b']);
  });

  test('a NUL in UTF-8 does not make it UTF-16, and UTF-32 is refused', async () => {
    expect(textsOf((await read('image,text\nx,a\0\n')).items)).toEqual(['a\0']);
    await expect(read(Buffer.from([0xff, 0xfe, 0, 0, 0x69, 0, 0, 0]))).rejects.toThrow('UTF-32');
  });
});

describe('any table', () => {
  const cell = fc.string({ unit: fc.constantFrom('a', 'é', '😀', ' ', ',', ';', '"', '\n', '\r', '\r\n', '5') });

  test('that was written as CSV is read back, with line ends of any kind and wherever its parts are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 8 }),
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.integer({ min: 1, max: 20 }),
        async (rows, lineEnd, partBytes) => {
          const table = rows.map(([image, text]) => [`x${image}`, text]);
          const content = stringify([['image', 'text'], ...table], { record_delimiter: lineEnd, quoted: true });
          const { items } = await read(content, {}, partBytes);
          expect(items).toEqual(table.map(([image, text]) => ({ image, text })));
        },
      ),
    );
  });

  test('of odd quotes gives a row or a failure for each of its lines, and none twice', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: fc.constantFrom('a', '"', ',', ' ') }), { maxLength: 12 }),
        fc.integer({ min: 1, max: 20 }),
        async (lines, partBytes) => {
          // Each line has a mark of its own, in a cell that no quote opens.
          const marked = lines.map((line, at) => `m${at}m,${line}`);
          const content = `image,text\n${marked.join('\n')}\n`;
          const [cut, whole] = [await read(content, {}, partBytes), await read(content, {}, 10_000)];
          expect(cut.items).toEqual(whole.items);
          const found = JSON.stringify(whole.items.map((item) => [item.image, item.text, item.metadata, item]));
          for (const at of lines.keys()) expect(found).toContain(`m${at}m`);
          const starts = whole.items.map(({ image }) => image);
          expect(new Set(starts).size).toBe(starts.length);
        },
      ),
    );
  });

  test('with an open quote on each of 20,000 lines is read in linear time', async () => {
    const content = `image,text\n${'x,"open\n'.repeat(20_000)}`;
    const { items } = await read(content, {}, 65_536);
    expect(items).toHaveLength(20_000);
    expect(items.every((item) => 'error' in item)).toBe(true);
  });
});
