import { expect, test } from 'vitest';
import { batchItem } from '../../../shared/contracts/item.ts';
import { needsRenaming, renameLines } from '../../../web/batches/new/rename-fields.ts';

async function renamed(parts: string[], mapping = { image: 'url', text: 'alt', id: 'n' }): Promise<string[]> {
  const bytes = ReadableStream.from(parts).pipeThrough(renameLines(mapping)).pipeThrough(new TextEncoderStream());
  return (await new Response(bytes).text()).split('\n');
}

test('fields get the names of the contract, and what is left becomes metadata', async () => {
  const [line = ''] = await renamed(['{"url":"https://example.org/1.jpg","al', 't":"a cat","n":7,"shop":"x"}\n']);
  expect(batchItem.parse(JSON.parse(line))).toEqual({
    image: 'https://example.org/1.jpg',
    text: 'a cat',
    id: '7',
    metadata: { shop: 'x' },
  });
});

test('existing metadata is merged with the remaining columns', async () => {
  const [line = ''] = await renamed(['{"url":"u","alt":"a","metadata":{"row":2},"shop":"x"}']);
  expect(JSON.parse(line)).toEqual({ image: 'u', text: 'a', metadata: { row: 2, shop: 'x' } });
});

test('numbers keep their digits, and keys their names', async () => {
  const [line = ''] = await renamed([
    '{"url":"u","alt":"a","n":1546130668394913822,"tweet":1546130668394913823,"x":1e400,"__proto__":{"y":1.0}}',
  ]);
  expect(line).toBe(
    '{"image":"u","text":"a","id":"1546130668394913822","metadata":{"tweet":1546130668394913823,"x":1e400,"__proto__":{"y":1.0}}}',
  );
});

test('each line keeps its place, so that the service names an invalid one correctly', async () => {
  const lines = await renamed(['{"url":"u","alt":"a"}\nno js', 'on\n\n{"url":"v"}']);
  expect(lines).toEqual(['{"image":"u","text":"a"}', 'no json', '', '{"image":"v"}']);
});

test('a file that has the names of the contract is sent as it is', () => {
  const mapping = { image: 'image', text: 'text', id: 'id' };
  expect(needsRenaming({ format: 'ndjson', columns: ['image', 'text', 'id', 'metadata'] }, mapping)).toBe(false);
  expect(needsRenaming({ format: 'ndjson', columns: ['image', 'text', 'id', 'shop'] }, mapping)).toBe(true);
  expect(needsRenaming({ format: 'ndjson', columns: ['image', 'text', 'id'] }, { ...mapping, id: '' })).toBe(true);
  expect(needsRenaming({ format: 'csv', columns: ['photo'] }, { ...mapping, image: 'photo' })).toBe(false);
});
