import { expect, test } from 'vitest';
import type { StoredItem } from '../../../batches/store/payload.ts';
import { maxBlankLength } from '../../../formats/blank-text.ts';
import { readItems } from '../../../formats/index.ts';

const begin = { ndjson: '', csv: 'image,text\n', tsv: 'image\ttext\n' } as const;
const item = {
  ndjson: '{"image":"https://a.test/1.jpg","text":"a"}\n',
  csv: 'https://a.test/1.jpg,a\n',
  tsv: 'https://a.test/1.jpg\ta\n',
} as const;
type Format = keyof typeof begin;

async function read(format: Format, texts: Iterable<string>): Promise<StoredItem[]> {
  async function* parts() {
    for (const text of texts) yield Buffer.from(text);
  }
  const items: StoredItem[] = [];
  const columns = { image: 'image', text: 'text', id: 'id' };
  for await (const some of readItems(format, parts(), { columns, strictness: 'lenient' }).items) items.push(...some);
  return items;
}

const blanks: [Format, string][] = [
  ['ndjson', '\n'],
  ['ndjson', ' \n'],
  ['ndjson', '\r\n'],
  ['csv', '\n'],
  ['csv', '\r\n'],
  ['csv', ' \n'],
  ['csv', ',\n'],
  ['tsv', '\n'],
];

test.each(blanks)('%s: a file without end of %j is refused', async (format, blank) => {
  const part = blank.repeat(Math.ceil((1024 * 1024) / blank.length));
  function* texts() {
    yield begin[format] + item[format];
    for (let at = 0; at < 2 * maxBlankLength; at += part.length) yield part;
  }
  await expect(read(format, texts())).rejects.toMatchObject({
    code: 'request.invalid',
    message: `The ${format.toUpperCase()} has ${maxBlankLength} characters of blank lines in a row`,
  });
});

test.each(blanks)('%s: %j between items is skipped, and counts as a line', async (format, blank) => {
  const text = `${begin[format]}${item[format]}${blank.repeat(5)}${item[format]}${format === 'ndjson' ? '{}' : '"a'}\n`;
  const line = { ndjson: 8, csv: 9, tsv: 9 }[format];
  for (const size of [1, 2, 3, text.length]) {
    const parts = Array.from({ length: Math.ceil(text.length / size) }, (_, at) =>
      text.slice(at * size, (at + 1) * size),
    );
    const items = await read(format, parts);
    expect(items).toHaveLength(3);
    expect(items[2]).toMatchObject({ error: { message: expect.stringMatching(new RegExp(`line ${line}\\b`)) } });
  }
});

test('items with blank lines between them may have any length in all', async () => {
  const part = item.ndjson + '\n'.repeat(maxBlankLength / 4);
  expect(await read('ndjson', Array(6).fill(part))).toHaveLength(6);
});
