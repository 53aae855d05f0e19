import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ReadOptions } from '../../../formats/format.ts';
import { readItems } from '../../../formats/index.ts';
import type { ReadItem } from '../../../formats/items.ts';

const columns = { image: 'image', text: 'text', id: 'id' };

/** Reads JSON that arrives in parts of so many bytes. */
async function read(content: string | Buffer, options: Partial<ReadOptions> = {}, partBytes = 7): Promise<ReadItem[]> {
  const bytes = Buffer.from(content);
  async function* parts() {
    for (let at = 0; at < bytes.length; at += partBytes) yield bytes.subarray(at, at + partBytes);
  }
  const items: ReadItem[] = [];
  const file = readItems('json', parts(), { columns, strictness: 'lenient', ...options });
  for await (const some of file.items) items.push(...some);
  return items;
}

const messagesOf = (items: readonly ReadItem[]) => items.map((item) => ('error' in item ? item.error.message : ''));

describe('a JSON array', () => {
  test('is read element by element, whatever stands in its strings, and however it arrives', async () => {
    const text = fc.stringMatching(/^[a-c"\\[\]{},: \né😀]{1,30}$/u).filter((value) => value.trim() !== '');
    const item = fc.record({ text, note: text, list: fc.array(text, { maxLength: 3 }) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(item, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 40 }),
        fc.constantFrom(undefined, 2),
        async (given, partBytes, indent) => {
          const sent = given.map(({ text: value, note, list }) => ({
            image: 'https://a.example/1.jpg',
            text: value,
            metadata: { note, list },
          }));
          expect(await read(JSON.stringify(sent, null, indent), {}, partBytes)).toEqual(sent);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('keeps the digits of numbers', async () => {
    const [item] = await read('[{"image":"x","text":"a","metadata":{"hash":9007199254741003,"w":1.0}}]');
    expect(JSON.stringify(item?.metadata)).toBe('{"hash":9007199254741003,"w":1.0}');
  });

  test('of other things has failed items that name their index, and refuses a strict batch', async () => {
    const text = '[{"image": "x", "text": "a"}, 7, null, "b", {"image": "x" "text"}, , {"text": "c"}]';
    expect(messagesOf(await read(text))).toEqual([
      '',
      'items[1]: a number, but an object with image and text is expected',
      'items[2]: null, but an object with image and text is expected',
      'items[3]: a string, but an object with image and text is expected',
      'items[4]: not JSON at character 15',
      'items[5]: is empty',
      'items[6]: image: is missing',
    ]);
    await expect(read(text, { strictness: 'strict' })).rejects.toThrow('items[1]: a number');
  });

  test.each([
    ['[{"image": "x", "text": "a"}', 'ends after 0 items, in the middle of its array'],
    ['[{"image": "x", "text": "a"},{"image": "x', 'ends after 1 items, in the middle of its array'],
    ['[', 'in the middle of its array'],
    ['[{"image": "x", "text": "a"}] 1', 'has text after the end of its array'],
    ['"image"', 'must be an array of items, or have one object on each line'],
    ['image,text\nx,a\n', 'must be an array of items, or have one object on each line'],
  ])('%s is refused as a whole', async (text, problem) => {
    for (const partBytes of [1, 1_000]) await expect(read(text, {}, partBytes)).rejects.toThrow(problem);
  });

  test.each(['', ' \n', '[]', ' [ \n ] \n'])('%j has no items', async (text) => {
    expect(await read(text)).toEqual([]);
  });

  test('may be UTF-16, or begin with a byte order mark', async () => {
    const text = '[{"image": "x", "text": "Grün"}]';
    for (const bytes of [Buffer.from(`\uFEFF${text}`, 'utf16le'), Buffer.from(`\uFEFF${text}`)]) {
      expect(await read(bytes)).toEqual([{ image: 'x', text: 'Grün' }]);
    }
  });

  test('has an element that is too long as a failed item, and the next ones are read', async () => {
    const long = `[{"image": "x", "text": "${'a'.repeat(33 * 1024 * 1024)}"}, {"image": "x", "text": "b"}]`;
    const items = await read(long, {}, 1024 * 1024);
    expect(messagesOf(items)).toEqual(['items[0]: longer than 33554432 characters', '']);
  });

  test('with fields of other names is read by them, and further ones are metadata', async () => {
    const fields = { image: 'url', text: 'caption', id: 'key' };
    expect(await read('[{"url": "x", "caption": "a", "key": 1, "w": 2}]', { fields })).toEqual([
      { image: 'x', text: 'a', id: '1', metadata: { w: 2 } },
    ]);
  });
});

test('lines of JSON in a file that is called .json are read as lines', async () => {
  expect(await read('\n{"image": "x", "text": "a"}\n{"image": "y"}\n')).toMatchObject([
    { image: 'x', text: 'a' },
    { error: { message: 'line 2: text: is missing' } },
  ]);
});
