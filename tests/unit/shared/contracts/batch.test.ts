import { describe, expect, test } from 'vitest';
import { batchEnvelope, batchQuery, batchRequest, failureBudget } from '../../../../shared/contracts/batch/post.ts';
import { resultsQuery } from '../../../../shared/contracts/batch/results.ts';
import { batchState, batchStates, terminalStates } from '../../../../shared/contracts/batch/status.ts';

const item = { image: 'https://example.org/cat.jpg', text: 'a cat' };

describe('the envelope of a batch', () => {
  test('takes items of any form: a bad one fails alone', () => {
    const items = [item, {}, null, 7, 'text'];
    expect(batchEnvelope.parse({ items })).toMatchObject({ items });
  });

  // Answered as 422 where a batch is made, not as a fault of the envelope.
  test('takes no items at all', () => {
    expect(batchEnvelope.safeParse({ items: [] }).success).toBe(true);
  });

  test.each([
    ['without items', {}, 'items'],
    ['with items that are no list', { items: item }, 'items'],
    ['with an empty model', { items: [item], model: '' }, 'model'],
    ['with a model that is a number', { items: [item], model: 7 }, 'model'],
  ])('%s is refused at that field', (_what, value, field) => {
    expect(batchEnvelope.safeParse(value).error?.issues[0]?.path).toEqual([field]);
  });

  test.each([
    ['a list', [item]],
    ['a string', 'items'],
    ['null', null],
  ])('is not %s', (_what, value) => {
    expect(batchEnvelope.safeParse(value).success).toBe(false);
  });

  test('with an unknown field is refused by its name', () => {
    expect(batchEnvelope.safeParse({ items: [], itmes: [] }).error?.issues[0]?.message).toContain('itmes');
  });

  test('as documented requires complete items and at least one', () => {
    expect(batchRequest.safeParse({ items: [item] }).success).toBe(true);
    expect(batchRequest.safeParse({ items: [] }).success).toBe(false);
    expect(batchRequest.safeParse({ items: [{ image: 'AAAA' }] }).success).toBe(false);
    const clientError = { code: 'image.file.not_found', message: 'There is no file a.jpg' };
    expect(batchRequest.safeParse({ items: [item, { image: 'a.jpg', clientError }] }).success).toBe(true);
  });
});

describe('the query of a batch', () => {
  test('is lenient unless it says strict', () => {
    expect(batchQuery.parse({}).strict).toBe('false');
    expect(batchQuery.parse({ strict: 'true' }).strict).toBe('true');
  });

  test.each([{ strict: '1' }, { strict: 'TRUE' }, { stric: 'true' }])('%j is refused', (query) => {
    expect(batchQuery.safeParse(query).success).toBe(false);
  });
});

describe('the states', () => {
  test('are those of the contract', () => {
    expect(batchStates).toEqual([
      'accepting',
      'queued',
      'running',
      'completed',
      'completed_with_errors',
      'failed',
      'cancelled',
    ]);
    expect(batchState.safeParse('finished').success).toBe(false);
  });

  test('end with one of four', () => {
    expect(batchStates.filter((state) => terminalStates.has(state))).toEqual([
      'completed',
      'completed_with_errors',
      'failed',
      'cancelled',
    ]);
  });
});

describe('the query of results', () => {
  test('may be empty', () => {
    expect(resultsQuery.parse({})).toEqual({});
  });

  test('is read from text', () => {
    expect(resultsQuery.parse({ limit: '25', status: 'failed', cursor: 'abc' })).toEqual({
      limit: 25,
      status: 'failed',
      cursor: 'abc',
    });
  });

  test.each([
    { limit: '0' },
    { limit: '10001' },
    { limit: '2.5' },
    { limit: 'all' },
    { status: 'pending' },
    { page: '2' },
  ])('%j is refused', (query) => {
    expect(resultsQuery.safeParse(query).success).toBe(false);
  });
});

test.each([
  [{ after: 40 }, false],
  [{}, false],
  [{ count: 1, after: 40 }, true],
  [{ share: 0.5 }, true],
])('a failure budget of %j stops something: %s', (budget, isAccepted) => {
  expect(failureBudget.safeParse(budget).success).toBe(isAccepted);
});

test('a failure budget in the query says which part is missing', () => {
  const parsed = batchQuery.safeParse({ failureBudgetAfter: '40' });
  expect(parsed.error?.issues).toMatchObject([
    { path: ['failureBudgetAfter'], message: expect.stringContaining('alone') },
  ]);
  expect(batchQuery.safeParse({ failureBudgetAfter: '40', failureBudgetShare: '0.5' }).success).toBe(true);
});
