import { randomBytes, randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { encodeInput, encodeOutput } from '../../../batches/store/payload.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { readRule } from '../../../testing/scaling/manifest.ts';
import { fleet, gpuRate, mean, network, peak, redisGigabytes } from '../../support/capacity/arithmetic.ts';
import { assumed, measured } from '../../support/capacity/inputs.ts';
import { capacityPage } from '../../support/capacity/page.ts';

const root = new URL('../../../', import.meta.url);

test('the page of capacity is what its inputs come to', async () => {
  await expect(capacityPage()).toMatchFileSnapshot(new URL('docs/capacity.md', root).pathname);
});

test('an item with a random name takes as many bytes in Redis as the page says', () => {
  const words =
    capacityPage()
      .toLowerCase()
      .match(/[a-z]{3,}/g) ?? [];
  const indexes = Array.from({ length: 64 }, (_, index) => index);
  const caption = () => Array.from({ length: 10 }, () => words[randomInt(words.length)]).join(' ');
  const name = () => `https://images${randomInt(5)}.example.org/${randomBytes(12).toString('hex')}.jpg`;
  const cosine = () => randomInt(200_000, 300_000) / 1e6;
  const items = indexes.map((index) => ({ id: String(index), image: name(), text: caption() }));
  const results = indexes.map((index): ItemResult => {
    const value = cosine();
    return { index, id: String(index), status: 'succeeded', score: 100 * value, cosine: value };
  });
  const bytes = (encodeInput({ offset: 0, items }).length + encodeOutput({ results }).length) / indexes.length;
  expect(bytes).toBeGreaterThan(0.8 * measured.redisBytes.random);
  expect(bytes).toBeLessThan(1.1 * measured.redisBytes.random);
});

describe('the arithmetic', () => {
  test('comes to what can be reckoned by hand', () => {
    expect(mean).toBeCloseTo(3_472.2, 1);
    expect(peak).toBeCloseTo(10_416.7, 1);
    expect(network.meanGigabits).toBeCloseTo(1.667, 3);
    expect(redisGigabytes(80, 24)).toBe(24);
    expect(gpuRate(42.35)).toBeCloseTo(1_000, 6);
  });

  test('has for every model as many machines as its load needs', () => {
    for (const { model, itemsPerSecond, atMean, atPeak } of fleet) {
      expect(atMean * itemsPerSecond * assumed.asked, model).toBeGreaterThanOrEqual(mean);
      expect((atPeak - 1) * itemsPerSecond * assumed.asked, model).toBeLessThan(peak);
    }
  });

  test('asks of a worker what the manifests ask', () => {
    const { compact, vitB32 } = measured.pairsPerSecondOfTwoCores;
    expect(readRule('compact').itemsPerSecondOfWorker / compact).toBeCloseTo(assumed.asked, 1);
    expect(readRule('fast').itemsPerSecondOfWorker / vitB32).toBeCloseTo(assumed.asked, 1);
    const [, threshold] = parse(readFileSync(new URL('deploy/k8s/gpu/demand-accurate.yaml', root), 'utf8'));
    expect(Number(threshold.value) / gpuRate(assumed.gigaflops.vitL14)).toBeCloseTo(assumed.asked, 1);
  });
});
