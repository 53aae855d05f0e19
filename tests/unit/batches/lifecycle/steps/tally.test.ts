import { expect, test } from 'vitest';
import { tallyOf } from '../../../../../batches/lifecycle/steps/tally.ts';
import type { ItemResult } from '../../../../../shared/contracts/item.ts';
import { itemError } from '../../../../../shared/errors.ts';

const failed = (count: number, message: string, id?: string): ItemResult[] =>
  Array.from({ length: count }, (_, index) => ({
    index,
    ...(id !== undefined && { id }),
    status: 'failed',
    error: itemError('item.invalid', message),
  }));

test('the failures that an event tells of are few and short, however long ids and messages are', () => {
  for (const text of ['x'.repeat(4_000_000), '"\\'.repeat(100_000), '\u0001'.repeat(100_000)]) {
    const { samples, failed: count } = tallyOf({ offset: 0, items: [] }, failed(64, text, text.slice(0, 256)));
    expect(count).toBe(64);
    expect(JSON.stringify(samples).length).toBeLessThanOrEqual(1_010);
  }
});

test('five failures of usual length are included', () => {
  const { samples } = tallyOf({ offset: 0, items: [] }, failed(64, '404 from example.org', 'item-1'));
  expect(samples).toHaveLength(5);
  expect(samples[0]).toEqual({ index: 0, id: 'item-1', code: 'item.invalid', message: '404 from example.org' });
});
