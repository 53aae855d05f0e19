import { expect, test } from 'vitest';
import { type BatchRecord, toStatus } from '../../../../batches/store/record.ts';

const record = (fields: Partial<BatchRecord>) =>
  ({
    id: 'a',
    tenant: 'default',
    state: 'running',
    createdAt: 0,
    total: 400,
    failed: 0,
    cancelled: 0,
    ...fields,
  }) as BatchRecord;

test('a batch has a time left when it has run for two seconds, as its first chunks say little about its rate', () => {
  const at = (now: number, succeeded: number) => {
    const running = record({ startedAt: 10_000, markAt: 10_000, markItems: 0, succeeded });
    const { itemsPerSecond, etaSeconds } = toStatus(running, {}, 1, now);
    return [itemsPerSecond, etaSeconds];
  };
  expect(at(10_500, 4)).toEqual([8, null]);
  expect(at(11_999, 80)[1]).toBeNull();
  expect(at(12_000, 100)).toEqual([50, 6]);
});
