import { describe, expect, test } from 'vitest';
import { maxTexts, singleRequest, singleResponse } from '../../../../shared/contracts/single.ts';

const request = { image: 'https://example.org/cat.jpg', text: 'a cat' };

describe('the request for a single score', () => {
  test.each([
    ['one text', request],
    ['a list of texts', { ...request, text: ['a cat', 'a dog'] }],
    ['as many texts as are allowed', { ...request, text: new Array(maxTexts).fill('a cat') }],
    ['a model', { ...request, model: 'fast' }],
    ['an image by kind', { ...request, image: { base64: 'AAAA' } }],
    ['a rule for long texts', { ...request, longText: 'error' }],
  ])('may have %s', (_what, value) => {
    expect(singleRequest.parse(value)).toEqual({ longText: 'truncate', ...value });
  });

  test.each([
    ['without an image', { text: 'a cat' }, 'image'],
    ['without a text', { image: 'AAAA' }, 'text'],
    ['with no texts in its list', { ...request, text: [] }, 'text'],
    ['with one text too many', { ...request, text: new Array(maxTexts + 1).fill('a cat') }, 'text'],
    ['with a list that has a number', { ...request, text: ['a cat', 7] }, 'text'],
    ['with an empty model', { ...request, model: '' }, 'model'],
    ['with an image of two kinds', { ...request, image: { url: 'http://a.org/', file: 'a' } }, 'image'],
  ])('%s is refused at that field', (_what, value, field) => {
    expect(singleRequest.safeParse(value).error?.issues[0]?.path[0]).toBe(field);
  });

  test('with an unknown field is refused by its name', () => {
    expect(singleRequest.safeParse({ ...request, texts: ['a'] }).error?.issues[0]?.message).toContain('texts');
  });

  test('with too many texts says how many there may be', () => {
    const parsed = singleRequest.safeParse({ ...request, text: new Array(maxTexts + 1).fill('a cat') });
    expect(parsed.error?.issues[0]?.message).toContain(`1 to ${maxTexts}`);
  });
});

describe('the answer', () => {
  const receipt = {
    model: 'm',
    revision: '1',
    precision: 'fp32',
    provider: 'cpu',
    preprocess: 'p',
    textCleaning: 't',
    warnings: [],
  };
  const timings = { fetchMs: 12, decodeMs: 3, inferenceMs: 21, totalMs: 38 };

  test.each([
    ['a score', { score: 27.31, cosine: 0.2731, receipt, timings }],
    ['a score for each text', { results: [{ text: 'a cat', score: 27.31, cosine: 0.2731 }], receipt, timings }],
  ])('is %s', (_what, answer) => {
    expect(singleResponse.parse(answer)).toEqual(answer);
  });

  test.each([
    ['without a receipt', { score: 27.31, cosine: 0.2731, timings }],
    ['without timings', { score: 27.31, cosine: 0.2731, receipt }],
    ['with a time that is no number', { score: 1, cosine: 0.01, receipt, timings: { ...timings, totalMs: null } }],
    ['with a score and no cosine', { score: 27.31, receipt, timings }],
  ])('is none %s', (_what, answer) => {
    expect(singleResponse.safeParse(answer).success).toBe(false);
  });
});
