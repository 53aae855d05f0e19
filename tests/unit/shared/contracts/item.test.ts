import { describe, expect, test } from 'vitest';
import {
  batchItem,
  imageSource,
  itemErrorSchema,
  itemResult,
  maxAddressLength,
} from '../../../../shared/contracts/item.ts';

describe('an image source', () => {
  test.each([
    'https://example.org/cat.jpg',
    'data:image/png;base64,AAAA',
    'AAAA',
    { url: 'https://example.org/cat.jpg' },
    { base64: 'AAAA' },
    { file: 'photos/cat.jpg' },
  ])('%j is one', (source) => {
    expect(imageSource.parse(source)).toEqual(source);
  });

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a number', 7],
    ['an empty object', {}],
    ['a url that is a number', { url: 7 }],
    ['two kinds at once', { url: 'https://example.org/cat.jpg', base64: 'AAAA' }],
    ['an unknown kind', { path: 'photos/cat.jpg' }],
    ['a list', ['https://example.org/cat.jpg']],
  ])('%s is none, and the message says what is', (_what, source) => {
    const parsed = imageSource.safeParse(source);
    expect(parsed.success).toBe(false);
    expect(parsed.error?.issues[0]?.message).toMatch(/expected a string \(an http\(s\) URL, a data URI or base64\)/);
  });
});

test.each(['', { url: '' }, { base64: '' }, { file: '' }])('an image source of nothing is none: %j', (source) => {
  expect(imageSource.safeParse(source).success).toBe(false);
});

describe('an item', () => {
  const item = { image: 'https://example.org/cat.jpg', text: 'a cat' };

  test.each([
    ['an image and a text', item],
    ['an id', { ...item, id: 'i0' }],
    ['metadata of any depth', { ...item, metadata: { source: { page: 3 }, tags: ['a', null] } }],
    // Empty texts are valid here. They fail when the item is evaluated, so that the batch is accepted.
    ['an empty text', { ...item, text: '' }],
  ])('may have %s', (_what, value) => {
    expect(batchItem.parse(value)).toEqual(value);
  });

  test.each([
    ['without an image', { text: 'a cat' }, 'image'],
    ['without a text', { image: 'AAAA' }, 'text'],
    ['with a text that is a number', { ...item, text: 7 }, 'text'],
    ['with a list of texts', { ...item, text: ['a cat'] }, 'text'],
    ['with an id that is a number', { ...item, id: 7 }, 'id'],
    ['with an id of 257 characters', { ...item, id: 'x'.repeat(257) }, 'id'],
    ['with metadata that is a list', { ...item, metadata: [1] }, 'metadata'],
  ])('%s is refused at that field', (_what, value, field) => {
    expect(batchItem.safeParse(value).error?.issues[0]?.path).toEqual([field]);
  });

  test('with an unknown field is refused by its name', () => {
    const parsed = batchItem.safeParse({ ...item, caption: 'a cat' });
    expect(parsed.error?.issues[0]?.message).toContain('caption');
  });
});

describe('the result of an item', () => {
  const error = { code: 'image.fetch.http_status', message: '404 from example.org', retryable: false };

  test.each([
    { index: 0, id: 'i0', status: 'succeeded', score: 27.31, cosine: 0.2731 },
    { index: 0, status: 'succeeded', score: 0, cosine: -1, warnings: ['text truncated'], metadata: { row: 3 } },
    { index: 13, id: 'b0', status: 'failed', error },
    { index: 14, status: 'cancelled' },
  ])('%j is one', (result) => {
    expect(itemResult.parse(result)).toEqual(result);
  });

  test.each([
    ['a score over 100', { index: 0, status: 'succeeded', score: 100.1, cosine: 1 }],
    ['a negative score', { index: 0, status: 'succeeded', score: -1, cosine: -0.01 }],
    ['a cosine over 1', { index: 0, status: 'succeeded', score: 100, cosine: 1.1 }],
    ['a success without a cosine', { index: 0, status: 'succeeded', score: 1 }],
    ['a failure without an error', { index: 0, status: 'failed' }],
    ['a failure with a code nobody knows', { index: 0, status: 'failed', error: { ...error, code: 'image.ugly' } }],
    ['a negative index', { index: -1, status: 'cancelled' }],
    ['an unknown status', { index: 0, status: 'pending' }],
  ])('%s is none', (_what, result) => {
    expect(itemResult.safeParse(result).success).toBe(false);
  });

  test('says whether to retry', () => {
    expect(itemErrorSchema.safeParse({ code: error.code, message: error.message }).success).toBe(false);
  });
});

test.each([
  ['an http address', (length: number) => `https://${'a'.repeat(length - 8)}`],
  ['another address', (length: number) => `ftp://${'a'.repeat(length - 6)}`],
  ['a url', (length: number) => ({ url: 'a'.repeat(length) })],
  ['a file', (length: number) => ({ file: 'a'.repeat(length) })],
])('%s has at most 8 KiB', (_what, imageOf) => {
  expect(imageSource.safeParse(imageOf(maxAddressLength)).success).toBe(true);
  const tooLong = imageSource.safeParse(imageOf(maxAddressLength + 1));
  expect(tooLong.error?.issues[0]?.message).toMatch(/8192 characters/);
});

test.each(['aGVsbG8h', 'data:image/png;base64,aGVsbG8h'])('an inline image is as long as it is: %s', (begin) => {
  expect(imageSource.safeParse(begin + 'aGVs'.repeat(100_000)).success).toBe(true);
  expect(imageSource.safeParse({ base64: begin + 'aGVs'.repeat(100_000) }).success).toBe(true);
});
