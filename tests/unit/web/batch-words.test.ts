import { expect, test } from 'vitest';
import { retryWords, stateWords } from '../../../web/batches/state.ts';

const items = { total: 10_007, succeeded: 10_000, failed: 7, cancelled: 0, pending: 0 };

test('a finished batch says how many items failed', () => {
  expect(stateWords({ state: 'completed_with_errors', items })).toEqual(['warn', 'done, 7 failed']);
  expect(stateWords({ state: 'completed', items })).toEqual(['good', 'done']);
});

test('the retry says how many items may pass', () => {
  expect(retryWords({ items, failures: { 'image.fetch.timeout': 7 } })).toBe('Retry 7 that may pass');
  expect(retryWords({ items, failures: { 'image.fetch.timeout': 3, 'image.corrupt': 4 } })).toBe(
    'Retry 7 failed, of which 3 may pass',
  );
  expect(retryWords({ items, failures: { 'image.corrupt': 7 } })).toBe('Retry 7 failed');
});
