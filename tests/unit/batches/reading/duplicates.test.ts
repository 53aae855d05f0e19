import { expect, test } from 'vitest';
import { createDigests, groupEqual, setDigests } from '../../../../batches/reading/duplicates/equal-digests.ts';
import { createSharedWork } from '../../../../batches/reading/shared-work.ts';

/** A digest with these halves. */
const digest = (low: number, high: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(low);
  bytes.writeUInt32LE(high, 4);
  return bytes;
};

test('groups items with equal digests, also when many digests have the same slot of the table', async () => {
  // Half of them end in the same bits, so the table finds its slots one after the other.
  const values = Array.from({ length: 3_000 }, (_, at) => [(at % 500) * (at % 2 === 0 ? 2 ** 20 : 1), at % 3] as const);
  const digests = createDigests(values.length);
  for (const [at, [low, high]] of values.entries()) setDigests(digests, at, digest(low, high));
  const { of, count } = await groupEqual(digests);
  const first = new Map<string, number>();
  const sizes = Map.groupBy(values.keys(), (at) => String(values[at]));
  for (const [at, [low, high]] of values.entries()) {
    const alone = (low === 0 && high === 0) || sizes.get(String(values[at]))?.length === 1;
    if (alone) expect(of[at]).toBe(0);
    else {
      expect(of[at]).toBeGreaterThan(0);
      expect(of[at]).toBe(first.get(String(values[at])) ?? of[at]);
      first.set(String(values[at]), of[at] ?? 0);
    }
  }
  expect(new Set(first.values()).size).toBe(count);
});

test('digests beyond the end of a batch are ignored', () => {
  const digests = createDigests(1);
  setDigests(digests, 0, Buffer.concat([digest(1, 2), digest(3, 4)]));
  expect([...digests.low, ...digests.high]).toEqual([1, 2]);
});

test('callers with the same key share one run, others run one after the other, and a failure ends with its callers', async () => {
  const share = createSharedWork<string>();
  const began: string[] = [];
  const gate = Promise.withResolvers<void>();
  const work = (name: string) => async () => {
    began.push(name);
    await gate.promise;
    if (name === 'b') throw new Error('b failed');
    return name;
  };
  const a = share('a', work('a'));
  const again = share('a', work('a again'));
  const b = share('b', work('b'));
  const failed = expect(b).rejects.toThrow('b failed');
  const c = share('c', work('c'));
  await Promise.resolve();
  expect(began).toEqual(['a']);
  gate.resolve();
  expect(await Promise.all([a, again, c])).toEqual(['a', 'a', 'c']);
  await failed;
  expect(began).toEqual(['a', 'b', 'c']);
  expect(await share('b', async () => 'now')).toBe('now');
});
