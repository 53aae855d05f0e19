import { expect, test } from 'vitest';
import { groupFailures } from '../../../web/batches/failure-causes.ts';

const failed = (index: number, message: string, more: object = {}) => ({
  index,
  ...more,
  status: 'failed',
  error: { code: 'image.fetch.http_status', message, retryable: false },
});

test('failed items are grouped by message, and keep their ids and image sources', async () => {
  const items = [
    failed(3, '404', { id: 'S-3', image: 'https://a.example/3.jpg' }),
    failed(5, '403', { image: null, imagePath: 'photos/ä.jpg' }),
    ...Array.from({ length: 7 }, (_, at) => failed(10 + at, '403')),
  ];
  const text = items.map((item) => `${JSON.stringify(item)}\n`).join('');
  const cut = text.indexOf('photos');
  const { causes, read } = await groupFailures(ReadableStream.from([text.slice(0, cut), text.slice(cut)]));
  expect(read).toBe(9);
  const [most, least] = causes.get('image.fetch.http_status') ?? [];
  expect(most).toMatchObject({
    message: '403',
    count: 8,
    examples: [{ index: 5, imagePath: 'photos/ä.jpg' }, {}, {}, {}, {}],
  });
  expect(least).toMatchObject({ count: 1, examples: [{ id: 'S-3', image: 'https://a.example/3.jpg' }] });
});
