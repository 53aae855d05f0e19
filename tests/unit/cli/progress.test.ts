import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { quantile } from '../../../cli/bench.ts';
import { counted, duration, showProgress } from '../../../cli/progress.ts';
import { createThroughputMeter } from '../../../cli/throughput.ts';

test('the rate is that of the last ten seconds, and says how long the rest takes', () => {
  const rate = createThroughputMeter();
  expect(rate(0, 1000, 0)).toEqual({ perSecond: null, etaSeconds: null });
  expect(rate(100, 1000, 1_000)).toEqual({ perSecond: 100, etaSeconds: 9 });
  // Slower from here on: ten seconds later the first second counts no more.
  expect(rate(110, 1000, 11_000)).toEqual({ perSecond: 1, etaSeconds: 890 });
});

test('a count has its noun in the singular or the plural', () => {
  expect([0, 1, 2, 1_000].map((count) => counted(count, 'row'))).toEqual(['0 rows', '1 row', '2 rows', '1,000 rows']);
});

test('nothing is said of the rate while nothing moves', () => {
  const rate = createThroughputMeter();
  rate(5, 10, 0);
  expect(rate(5, 10, 1_000)).toEqual({ perSecond: null, etaSeconds: null });
});

test.each([
  [0.2, '1 s'],
  [59, '59 s'],
  [61, '1 min 1 s'],
  [7_260, '2 h 1 min'],
])('%d seconds are %s', (seconds, said) => {
  expect(duration(seconds)).toBe(said);
});

test('quantiles are by the nearest rank', () => {
  const values = Array.from({ length: 100 }, (_, at) => at + 1);
  expect([0.5, 0.95, 1].map((share) => quantile(values, share))).toEqual([50, 95, 100]);
  expect(quantile([7], 0.5)).toBe(7);
  expect(quantile([], 0.5)).toBe(0);
});

test('a terminal shows the rows that are sent without a bar, and the scored ones with a bar and a percentage', async () => {
  const stream = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY: true, columns: 200 });
  const progress = await showProgress(stream as unknown as NodeJS.WriteStream);
  const shown = (words: string) =>
    new Promise<string>((resolve) => {
      let text = '';
      const read = (part: string) => {
        text += part;
        if (!text.includes(words)) return;
        stream.off('data', read);
        resolve(text);
      };
      stream.on('data', read);
    });
  progress.sending(3, 1_500_000);
  expect(await shown('sending 3 rows 1.5 MB')).not.toContain('%');
  progress.update({ done: 1, failed: 0, total: 4 });
  expect(await shown('1/4')).toMatch(/scoring \S+ 25% 1\/4/);
  progress.stop();
});
