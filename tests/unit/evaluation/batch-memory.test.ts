import { expect, test } from 'vitest';
import { createBatchMemories } from '../../../evaluation/batch-memory.ts';
import { embeddingOf } from '../../support/fake-encoders.ts';

test('forgets the oldest embeddings of batches above 16 MiB', async () => {
  const memory = createBatchMemories().of('one');
  const large = { ...embeddingOf(1), embedding: new Float32Array(1024 * 1024) };
  const embed = async (key: string) => (await memory.once(key, async () => large, undefined)).isNew;
  expect(await embed('first')).toBe(true);
  expect(await embed('first')).toBe(false);
  for (const key of ['second', 'third', 'fourth']) expect(await embed(key)).toBe(true);
  expect(await embed('fourth')).toBe(false);
  expect(await embed('first')).toBe(true);
});

test('keeps the hash of a long key, and tells long keys apart', async () => {
  const memory = createBatchMemories().of('one');
  const long = 'x'.repeat(1_000_000);
  const embed = async (key: string) => (await memory.once(key, async () => embeddingOf(1), undefined)).isNew;
  expect([await embed(`${long}a`), await embed(`${long}b`), await embed(`${long}a`)]).toEqual([true, true, false]);
});

test('shares nothing between calls without a batch', async () => {
  const memories = createBatchMemories();
  const embed = async () => (await memories.of(undefined).once('a', async () => embeddingOf(1), undefined)).isNew;
  expect([await embed(), await embed()]).toEqual([true, true]);
});
