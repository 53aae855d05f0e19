import { expect, test } from 'vitest';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { failuresByHost } from '../../../worker/failures-by-host.ts';

const failed = (index: number, code: 'image.fetch.http_status' | 'text.empty'): ItemResult => ({
  index,
  status: 'failed',
  error: { code, message: 'the sender’s own words', retryable: false },
});

test('failures of a chunk are counted by code and host, the most frequent first, without what the sender wrote', () => {
  const results: ItemResult[] = [
    { index: 0, status: 'succeeded', score: 1, cosine: 0.01 },
    failed(1, 'text.empty'),
    failed(2, 'image.fetch.http_status'),
    failed(3, 'image.fetch.http_status'),
    failed(4, 'image.fetch.http_status'),
  ];
  const images = [
    'https://a.example/x.jpg',
    'https://a.example/x.jpg',
    'https://user:secret@b.example:81/x.jpg?token=1',
    { url: 'https://b.example:81/y.jpg' },
    { base64: 'AAAA' },
  ];
  expect(failuresByHost(results, images)).toEqual([
    { code: 'image.fetch.http_status', host: 'b.example:81', items: 2 },
    { code: 'text.empty', items: 1 },
    { code: 'image.fetch.http_status', items: 1 },
  ]);
});

test('ten kinds are named, and an address that is none has no host', () => {
  const results = Array.from({ length: 500 }, (_, index) => failed(index, 'image.fetch.http_status'));
  expect(
    failuresByHost(
      results,
      results.map((_, at) => `https://host-${at}.example/`),
    ),
  ).toHaveLength(10);
  expect(failuresByHost(results.slice(0, 2), ['http://[', undefined])).toEqual([
    { code: 'image.fetch.http_status', items: 2 },
  ]);
});
