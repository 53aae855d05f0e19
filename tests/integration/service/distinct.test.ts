import { expect, test } from 'vitest';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { readPhoto } from '../../../testing/images/host.ts';
import { useService } from '../../support/running-service.ts';

const running = useService();

async function read(id: string, query: string): Promise<ItemResult[]> {
  const { body } = await running.client.call<{ results: ItemResult[] }>(`/v1/evaluation/batch/${id}/results?${query}`);
  return body.results;
}

async function score(items: unknown[], more: object = {}): Promise<string> {
  const { status, body } = await running.client.batch.post(items, more);
  if (status !== 202) throw new Error(JSON.stringify(body));
  await running.client.batch.finished(body.id);
  return body.id;
}

test('one image is one group, under two addresses and inline, and a second one is another', async () => {
  const image = (query: string) => `${running.host.url('chelsea.jpg')}?${query}`;
  const id = await score(
    [
      { image: image('a'), text: 'a rocket at night' },
      { image: image('b'), text: 'a cat looking at the camera' },
      { image: { base64: readPhoto('chelsea.jpg').toString('base64') }, text: 'a rocket at night' },
      { image: running.host.url('coffee.jpg'), text: 'a rocket at night' },
      { image: running.host.url('missing.jpg'), text: 'a rocket at night' },
      { image: running.host.url('missing.jpg'), text: 'a rocket at night' },
    ],
    { embeddings: 'image' },
  );
  const rows = async (query: string) => (await read(id, query)).map(({ index, groupSize }) => [index, groupSize]);
  expect(await rows('distinct=image')).toEqual([
    [0, 3],
    [3, 1],
    [4, 1],
    [5, 1],
  ]);
  // The cat has the best score of the three texts.
  expect(await rows('distinct=image&sort=-score&status=succeeded&limit=1')).toEqual([[1, 3]]);
  expect(await rows('distinct=pair')).toEqual([
    [0, 2],
    [1, 1],
    [3, 1],
    [4, 1],
    [5, 1],
  ]);
  expect(await rows('sameImageAs=2')).toEqual([
    [0, undefined],
    [1, undefined],
    [2, undefined],
  ]);
  expect(await rows('samePairAs=2')).toEqual([
    [0, undefined],
    [2, undefined],
  ]);
  expect(await rows('distinct=image&q=CAT')).toEqual([[1, 3]]);

  const other = await score(
    ['1', '3', '1'].map((index) => ({ image: index, text: 'a cat' })),
    { imagesFrom: id },
  );
  expect((await read(other, 'distinct=image')).map(({ index }) => index)).toEqual([0, 1]);
});
