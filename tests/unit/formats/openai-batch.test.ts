import { expect, test } from 'vitest';
import type { ReadItem } from '../../../formats/items.ts';
import { modelOfLine, requestsOf } from '../../../formats/openai-batch.ts';

const columns = { image: 'image', text: 'text', id: 'id' };
async function* partsOf(text: string, length: number) {
  const bytes = Buffer.from(text);
  for (let from = 0; from < bytes.length; from += length) yield bytes.subarray(from, from + length);
}
async function read(text: string, length = 1_000, model: string | undefined = 'compact'): Promise<ReadItem[]> {
  const items: ReadItem[] = [];
  const file = { endpoint: '/v1/embeddings' as const, model };
  for await (const some of requestsOf(partsOf(text, length), file, { strictness: 'lenient', columns })) {
    items.push(...some);
  }
  return items;
}
const line = (custom_id: string, body: object, more: object = {}) =>
  JSON.stringify({ custom_id, method: 'POST', url: '/v1/embeddings', body, ...more });

test('a line is an item with its request, in parts of every length', async () => {
  const body = { model: 'compact', input: ['a cat', { image: 'https://example.org/ä.jpg' }] };
  const text = `\uFEFF${line('a', body)}\r\n\n${line('b', body)}`;
  for (let length = 1; length < 40; length++) {
    expect(await read(text, length)).toEqual(
      ['a', 'b'].map((id) => ({ id, image: '', text: '', request: { url: '/v1/embeddings', body } })),
    );
  }
});

test.each<[what: string, text: string, id: string | undefined, message: RegExp]>([
  ['no JSON', '{"custom_id": "a"', undefined, /line 1: not JSON/],
  ['no object', '[1]', undefined, /line 1: line: /],
  ['no id', '{"method": "POST", "url": "/v1/embeddings", "body": {}}', undefined, /custom_id/],
  ['another method', line('a', {}, { method: 'GET' }), 'a', /method/],
  ['an unknown field', line('a', { model: 'compact', input: 'a' }, { priority: 1 }), 'a', /priority/],
  ['another endpoint', line('a', {}, { url: '/v1/score' }), 'a', /url: is \/v1\/score, but the batch is for/],
  ['another model', line('a', { model: 'clip', input: 'a' }), 'a', /body\.model: all lines must name the same model/],
  ['no model', line('a', { input: 'a' }), 'a', /body\.model/],
  ['no input', line('a', { model: 'compact' }), 'a', /body\.input: expected a string/],
  [
    'too many inputs',
    line('a', { model: 'compact', input: Array(3_000).fill(1) }),
    'a',
    /has 3000 entries; at most 2048/,
  ],
  ['tokens', line('a', { model: 'compact', input: [[1, 2]] }), 'a', /token ids are not supported/],
])('a line with %s fails alone and names its place', async (_what, text, id, message) => {
  const good = line('good', { model: 'compact', input: 'a cat' });
  const [first, second] = await read(`${text}\n${good}\n`);
  expect(first).toMatchObject({ error: { code: 'item.invalid', message: expect.stringMatching(message) } });
  expect(first?.id).toBe(id);
  expect(second).toMatchObject({ id: 'good', request: { url: '/v1/embeddings' } });
});

test('the model of the file is that of its first line', () => {
  expect(modelOfLine(line('a', { model: 'clip' }))).toBe('clip');
  for (const text of [line('a', {}), '{"body": {"model": 7}}', '{"body": null}', 'null', '{', '']) {
    expect(modelOfLine(text)).toBeUndefined();
  }
});
