import { expect, test } from 'vitest';
import { readItems } from '../../../formats/index.ts';
import type { ReadItem, Strictness } from '../../../formats/items.ts';

const image = 'https://example.org/cat.jpg';
const line = (body: object, more: object = {}) =>
  JSON.stringify({ custom_id: 'a', method: 'POST', url: '/v1/score', body, ...more });

async function read(lines: readonly string[], strictness: Strictness = 'lenient', model?: string): Promise<ReadItem[]> {
  const bytes = (async function* () {
    yield Buffer.from(lines.join('\n'));
  })();
  const columns = { image: 'image', text: 'text', id: 'id' };
  const items: ReadItem[] = [];
  for await (const some of readItems('ndjson', bytes, { columns, strictness, model }).items) items.push(...some);
  return items;
}
const messagesOf = (items: readonly ReadItem[]) => items.map((item) => ('error' in item ? item.error.message : item));

test('a line of an OpenAI batch for /v1/score is a pair, whichever side has the image', async () => {
  const part = { type: 'image_url', image_url: { url: image } };
  const items = await read(
    [
      line({ queries: { image }, documents: 'a cat' }),
      line({ text_1: 'a cat', text_2: { content: [part] } }),
      line({ model: 'compact', data_1: part, data_2: ['a cat'] }),
      JSON.stringify({ id: 'plain', image, text: 'a cat' }),
    ],
    'strict',
    'compact',
  );
  const pair = { id: 'a', image, text: 'a cat' };
  expect(items).toEqual([pair, pair, pair, { ...pair, id: 'plain' }]);
});

test('every other line is a failed item that says why, and keeps its id', async () => {
  const items = await read([
    line({ model: 'compact', input: 'a cat' }, { url: '/v1/embeddings' }),
    line({ queries: { image }, documents: ['a cat', 'a dog'] }),
    line({ queries: 'a dog', documents: 'a cat' }),
    line({ queries: { image } }),
    line({ model: 'another', queries: { image }, documents: 'a cat' }),
    line({ queries: { image }, documents: 'a cat' }, { method: 'GET' }),
  ]);
  expect(messagesOf(items)).toEqual([
    'line 1: url: is /v1/embeddings, but a batch of pairs accepts only lines for /v1/score; send lines for other endpoints to /v1/batches',
    'line 2: body: has 2 pairs; write one pair in each line',
    'line 3: body: has two texts; a pair is an image and a text',
    expect.stringContaining('line 4: body.queries: a request needs exactly two sides'),
    'line 5: body.model: is another, but the batch names no model; remove `model` from the line, and set the option `model` of the whole batch',
    expect.stringContaining('line 6: method: '),
  ]);
  expect(items.every(({ id }) => id === 'a')).toBe(true);
  await expect(read([line({}, { url: '/v1/responses' })], 'strict')).rejects.toMatchObject({ code: 'request.invalid' });
});
