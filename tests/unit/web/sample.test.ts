import { expect, test, vi } from 'vitest';
import { maxSample, resultsQuery } from '../../../shared/contracts/batch/results.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { type DrawPairs, readLabels, sampleSize, takeSample } from '../../../web/batches/judge/sample.ts';
import type { ReadPairs } from '../../../web/batches/workbench/near.ts';
import { readAll } from '../../../web/batches/workbench/read-all.ts';

const histogram = Array.from({ length: 50 }, (_, at) => ({ from: at / 100, to: (at + 1) / 100, count: 200 }));

/** Returns a function that draws as many different pairs as wanted, and its calls. */
function drawer(labels: readonly string[] = []): { draw: DrawPairs; calls: Parameters<DrawPairs>[] } {
  const calls: Parameters<DrawPairs>[] = [];
  const draw: DrawPairs = async (limits, count, seed) => {
    calls.push([limits, count, seed]);
    const score = (limits.minScore ?? 0) + 0.01;
    return Array.from({ length: count }, (_, at): ItemResult => {
      const index = 1_000 * calls.length + at;
      const metadata = { label: labels[at] };
      return { index, status: 'succeeded', score, cosine: score / 100, text: `text ${index}`, metadata, image: null };
    });
  };
  return { draw, calls };
}

test('the pairs to judge are drawn from each range of scores, with another seed each time', async () => {
  const { draw, calls } = drawer();
  const { edges, pairs } = await takeSample({ histogram }, 25, draw);
  expect(pairs).toHaveLength(sampleSize({ histogram }, 25));
  expect(calls.map(([{ minScore }]) => minScore)).toEqual(edges);
  const [first] = calls;
  vi.useFakeTimers({ now: Date.now() + 5_000 });
  await takeSample({ histogram }, 25, draw);
  vi.useRealTimers();
  expect(calls.at(-1)?.[2]).not.toBe(first?.[2]);
});

test('the first pairs are one of each range of scores', async () => {
  const { draw } = drawer();
  const { edges, pairs } = await takeSample({ histogram }, 25, draw);
  const bandOf = (score: number) => edges.findLastIndex((edge) => score >= edge);
  expect(new Set(pairs.slice(0, edges.length).map(({ score }) => bandOf(score))).size).toBe(edges.length);
});

test('a small batch has fewer pairs to judge than a sample takes', () => {
  const few = histogram.map((bin) => ({ ...bin, count: 1 }));
  expect(sampleSize({ histogram: few }, 25)).toBeLessThanOrEqual(50);
  expect(sampleSize({ histogram: few }, 25)).toBeGreaterThan(20);
});

test('labels of a column are read from pairs that are drawn from the whole batch', async () => {
  const { draw, calls } = drawer(['1', '0', 'cat']);
  const { pairs } = await readLabels('label', draw);
  expect(calls).toEqual([[{}, 10_000, 0]]);
  expect(pairs.map(({ isRight }) => isRight)).toEqual([true, false]);
});

test('the largest sample is one request, because the service draws it anew for each page', async () => {
  let requests = 0;
  const read: ReadPairs = async (query) => {
    requests++;
    const { limit = 0, cursor = '0' } = resultsQuery.parse(query);
    const [from, to] = [Number(cursor), Number(cursor) + limit];
    const results = Array.from({ length: limit }, (_, at) => ({ index: from + at, status: 'cancelled' as const }));
    return { results, next: to < maxSample ? String(to) : null };
  };
  expect(await readAll(read, { sample: maxSample, seed: 7 }, maxSample)).toHaveLength(maxSample);
  expect(requests).toBe(1);
});
