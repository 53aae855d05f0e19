import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { decodeInput, encodeInput, type StoredItem } from '../../../batches/store/payload.ts';
import type { ReadOptions } from '../../../formats/format.ts';
import { readItems } from '../../../formats/index.ts';
import { hasRawNumber, inOneLine } from '../../../shared/exact-json.ts';

const caseOf = (name: string): Buffer => readFileSync(new URL(`../../cases/${name}`, import.meta.url));

async function read(
  content: string | Buffer,
  options: Partial<ReadOptions> = {},
  partBytes = 7,
): Promise<StoredItem[]> {
  const bytes = Buffer.from(content);
  async function* parts() {
    for (let at = 0; at < bytes.length; at += partBytes) yield bytes.subarray(at, at + partBytes);
  }
  const items: StoredItem[] = [];
  const columns = { image: 'image', text: 'text', id: 'id' };
  const file = readItems('ndjson', parts(), { columns, strictness: 'lenient', ...options });
  for await (const some of file.items) items.push(...some);
  return items;
}

/** As the items are stored, read, and written again. */
function stored(items: readonly StoredItem[]): string[] {
  const exact = items.some(({ metadata }) => hasRawNumber(metadata));
  const read = decodeInput(encodeInput({ offset: 0, items: [...items], exact }));
  return read.items.map((item) => JSON.stringify(item));
}

const message = (item: StoredItem | undefined) => (item !== undefined && 'error' in item ? item.error.message : 'none');

describe('metadata comes back as it was sent', () => {
  test.each(['ndjson-int64-metadata.ndjson', 'big-integers.ndjson'])(
    '%s: numbers keep their digits, and a key may be called __proto__',
    async (name) => {
      const [line] = stored(await read(caseOf(name)));
      const metadata = (json: string) => /"metadata":(.*)\}$/.exec(json.trim())?.[1];
      expect(metadata(line ?? '')).toBe(metadata(caseOf(name).toString()));
    },
  );

  test.each([
    '{"a":-0,"b":1.0,"c":1e3,"d":0.10,"e":[1e400,{"f":-1E-400}],"g":12345678901234567890}',
    '{"a":0,"b":-1,"c":0.5,"d":"1.0","e":"12345678901234567890"}',
    '{"":1.50}',
    '{"constructor":{"prototype":{"y":2.0}},"toString":1}',
  ])('%s', async (metadata) => {
    const [line] = stored(await read(`{"image":"x","text":"a","metadata":${metadata}}`));
    expect(line).toBe(`{"image":"x","text":"a","metadata":${metadata}}`);
  });

  test('a number or null as the id, and null as the metadata, are accepted as pandas writes them', async () => {
    const lines = [
      '{"id":1546130668394913822,"image":"x","text":"a","metadata":null}',
      '{"id":null,"image":"x","text":"a"}',
      '{"id":7.0,"image":"x","text":"a","metadata":{"w":null}}',
      '{"id":0,"image":"x","text":"a"}',
    ];
    expect(await read(lines.join('\n'))).toEqual([
      { id: '1546130668394913822', image: 'x', text: 'a' },
      { image: 'x', text: 'a' },
      { id: '7.0', image: 'x', text: 'a', metadata: { w: null } },
      { id: '0', image: 'x', text: 'a' },
    ]);
  });
});

test('an escaped half of a surrogate pair becomes U+FFFD, in keys too, and a whole pair stays', async () => {
  const items = await read(caseOf('lone-surrogate.ndjson'));
  expect(items[1]).toMatchObject({ id: 'cut emoji \uFFFD', metadata: { title: 'half an emoji \uFFFD' } });
  const [item] = await read(
    String.raw`{"image":"x","text":"\ud83d\ude00 \ude00 \\ud83d \ud83d\ud83d\ude00","metadata":{"\uDC00":1}}`,
  );
  expect(item).toEqual({ image: 'x', text: '😀 \uFFFD \\ud83d \uFFFD😀', metadata: { '\uFFFD': 1 } });
});

test('items-odd.ndjson: each line is an item of its own, but the one with an unknown field', async () => {
  const items = await read(caseOf('items-odd.ndjson'));
  expect(items).toHaveLength(11);
  expect(items.flatMap((item) => ('error' in item ? [item.id, item.error.message] : []))).toEqual([
    'proto2',
    'line 3 has the unknown field "__proto__"; an item has image, text, id and metadata, and other data belongs in metadata',
  ]);
  const lines = stored(items).map(inOneLine).join('\n');
  expect(lines).not.toMatch(/[\u0085\u2028\u2029]/);
  expect(lines.isWellFormed()).toBe(true);
  expect(lines).not.toMatch(/\\ud[89a-f]/i);
  expect(JSON.parse(stored(items)[5] ?? '')).toMatchObject({
    id: 'ls\u2028x\u0085y',
    metadata: { 'k\u2028': 'v\u2029' },
  });
});

describe('an item that the client could not read', () => {
  const clientError = { code: 'image.file.not_found', message: 'There is no file a.jpg in /photos' };
  const error = { ...clientError, retryable: false };
  const readLine = async (line: object, options: Partial<ReadOptions> = {}) =>
    (await read(JSON.stringify(line), options))[0];

  test('fails with the error of the client and keeps its fields, also in a strict batch', async () => {
    const fields = { id: '7', image: 'a.jpg', text: 'a cat', metadata: { row: 1 } };
    const options = { strictness: 'strict' } as const;
    expect(await readLine({ ...fields, id: 7, clientError }, options)).toEqual({ ...fields, error });
    expect(await readLine({ image: '', text: null, clientError }, options)).toEqual({ image: '', error });
    expect(await readLine({ clientError }, options)).toEqual({ error });
  });

  test('is an item again when its failed result is posted, or without an error', async () => {
    const item = { image: 'a.jpg', text: 'a cat' };
    const failed = await readLine({ ...item, clientError });
    expect(await readLine({ ...failed })).toEqual(item);
    expect(await readLine({ ...item, clientError: null })).toEqual(item);
  });

  test.each([
    ['a text', 'no file', 'clientError: is a string, where an object is expected'],
    ['no message', { code: 'item.invalid' }, 'clientError.message: is missing'],
    ['an empty message', { ...clientError, message: '' }, 'clientError.message: is empty'],
    [
      'a long message',
      { ...clientError, message: 'x'.repeat(501) },
      'clientError.message: is longer than 500 characters',
    ],
    [
      'a code of downloads, which only the service does',
      { ...clientError, code: 'image.fetch.network' },
      'clientError.code: is not an error code of an image, a text or an item, such as image.file.not_found',
    ],
    ['no code', { message: 'no file' }, 'clientError.code: is missing'],
    ['another field', { ...clientError, retryable: false }, 'clientError: has the unknown field "retryable"'],
  ])('is invalid with an error of %s', async (_what, invalid, said) => {
    const line = { id: 'i', image: 'a.jpg', text: 'a cat', clientError: invalid };
    expect(await readLine(line)).toMatchObject({
      id: 'i',
      error: { code: 'item.invalid', message: `line 1: ${said}` },
    });
    await expect(readLine(line, { strictness: 'strict' })).rejects.toThrow(said);
  });
});

describe('a line that is not an item has a readable reason', () => {
  test.each([
    ['{"image":"x","text":"a","metadata":{"loss":NaN}}', 'line 1: not JSON: NaN is not a value of JSON; write null'],
    ['{"image":"x","text"', 'line 1: not JSON: it ends in the middle of an item'],
    ['{"image":"x" "text":"a"}', 'line 1: not JSON at character 14'],
    ['[{"image":"x","text":"a"}]', 'line 1: a list, but an object with image and text is expected'],
    ['null', 'line 1: null, but an object with image and text is expected'],
    ['{"image":"x","text":null}', 'line 1: text: is null, where a string is expected'],
    ['{"image":"x"}', 'line 1: text: is missing'],
    ['{"image":"x","text":["a"]}', 'line 1: text: is a list, where a string is expected'],
    ['{"image":"x","text":"a","id":true}', 'line 1: id: is a boolean, where a string is expected'],
    ['{"image":"x","text":"a","metadata":[1]}', 'line 1: metadata: is a list, where an object is expected'],
    [`{"image":"x","text":"a","id":"${'i'.repeat(300)}"}`, 'line 1: id: is longer than 256 characters'],
    [
      '{"image":7,"text":"a"}',
      'line 1: image: expected a string (an http(s) URL, a data URI or base64) or an object with url, base64 or file',
    ],
  ])('%s', async (line, said) => {
    expect(message((await read(line))[0])).toBe(said);
  });
});

describe('encodings', () => {
  test('bytes that are not UTF-8 fail their line alone', async () => {
    const file = Buffer.concat([caseOf('ndjson-invalid-utf8.ndjson'), Buffer.from('{"image":"x","text":"é"}\n')]);
    for (const partBytes of [1, 5, 1000]) {
      const items = await read(file, {}, partBytes);
      expect(items).toEqual([
        {
          error: expect.objectContaining({ code: 'item.encoding', message: expect.stringMatching(/^line 1: .*0xe9/) }),
        },
        { image: 'x', text: 'é' },
      ]);
    }
    expect(await read(file, { encoding: 'windows-1252' })).toMatchObject([{ text: 'un café' }, { text: 'Ã©' }]);
  });

  test('an encoded half of a surrogate pair, and an overlong character, are not UTF-8', async () => {
    for (const bytes of [
      [0xed, 0xa0, 0xbd],
      [0xc0, 0xaf],
      [0xf4, 0x90, 0x80, 0x80],
      [0xe2, 0x82],
    ]) {
      const line = Buffer.concat([Buffer.from('{"image":"x","text":"'), Buffer.from(bytes), Buffer.from('"}\n')]);
      expect((await read(line))[0]).toMatchObject({ error: { code: 'item.encoding' } });
    }
  });

  test('UTF-16 is recognised, with a byte order mark and without', async () => {
    for (const mark of ['', '\uFEFF']) {
      const text = `${mark}{"image":"x","text":"絵 😀"}\n`;
      expect(await read(Buffer.from(text, 'utf16le'))).toEqual([{ image: 'x', text: '絵 😀' }]);
      expect(await read(Buffer.from(text, 'utf16le').swap16(), {}, 3)).toEqual([{ image: 'x', text: '絵 😀' }]);
    }
  });
});
