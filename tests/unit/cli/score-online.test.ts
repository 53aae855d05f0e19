import { expect, test } from 'vitest';
import type { BatchInput } from '../../../cli/batch/input.ts';
import { joinWithRows } from '../../../cli/batch/score-online.ts';
import type { ServiceClient } from '../../../cli/client.ts';
import { itemError } from '../../../shared/errors.ts';

test('the error of a row replaces that of an older service, which does not know the field clientError', async () => {
  const refusal = itemError('item.invalid', 'line 2 has the unknown field "clientError"');
  const results = [
    { index: 0, status: 'failed', error: itemError('text.empty', 'The text is empty') },
    { index: 1, status: 'failed', error: refusal },
  ];
  const body = results.map((result) => `${JSON.stringify(result)}\n`).join('');
  const client: Pick<ServiceClient, 'open'> = { open: async () => new Response(body) };
  const input: Pick<BatchInput, 'items'> = {
    async *items() {
      yield [
        { image: 'a.jpg', text: '' },
        { image: 'lost.jpg', text: 'a cat' },
      ];
    },
  };
  const error = itemError('image.file.not_found', 'There is no file lost.jpg in /photos');
  const rows = joinWithRows(
    {
      client: client as ServiceClient,
      input: input as BatchInput,
      prepare: async (item) => (item.image === 'lost.jpg' ? { ...item, error } : item),
      signal: new AbortController().signal,
    },
    'b1',
  );
  const joined: unknown[] = [];
  for await (const part of rows) joined.push(...part.results);
  expect(joined).toEqual([results[0], { ...results[1], error }]);
});
