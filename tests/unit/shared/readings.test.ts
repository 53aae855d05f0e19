import { expect, test, vi } from 'vitest';
import { createMetrics } from '../../../shared/metrics.ts';
import type { Reading } from '../../../shared/telemetry/readings.ts';

const up = (value: number): Reading[] => [{ name: 'vls_redis_up', labels: {}, value }];

test('a reader that fails or never answers is left out of a scrape, and the rest is there', async () => {
  const metrics = createMetrics();
  metrics.onScrape({ read: () => Promise.reject(new Error('away')) });
  metrics.onScrape({ read: () => new Promise(() => {}) });
  metrics.onScrape({
    read: () => {
      throw new Error('away');
    },
  });
  metrics.onScrape({ read: () => up(1) });
  const text = await metrics.text();
  expect(text).toContain('vls_redis_up 1');
  expect(text).toContain('process_cpu_seconds_total');
});

test('several who scrape at once share one look, and one who comes later sees what is new', async () => {
  const metrics = createMetrics();
  const answer = Promise.withResolvers<Reading[]>();
  const read = vi.fn(() => answer.promise);
  metrics.onScrape({ read });
  const both = Promise.all([metrics.text(), metrics.text()]);
  answer.resolve(up(1));
  for (const text of await both) expect(text).toContain('vls_redis_up 1');
  expect(read).toHaveBeenCalledTimes(1);
  read.mockResolvedValue(up(0));
  expect(await metrics.text()).toContain('vls_redis_up 0');
});

test('a fresh reading is reused', async () => {
  const metrics = createMetrics();
  const read = vi.fn(() => up(1));
  metrics.onScrape({ read, freshMs: 60_000 });
  for (const text of [await metrics.text(), await metrics.text()]) expect(text).toContain('vls_redis_up 1');
  expect(read).toHaveBeenCalledTimes(1);
});

test('what is gone since the last scrape is gone from this one', async () => {
  const metrics = createMetrics();
  let models = ['a', 'b'];
  metrics.onScrape({
    read: () => models.map((model) => ({ name: 'vls_encoders', labels: { model, state: 'ready' }, value: 1 })),
  });
  expect(await metrics.text()).toContain('model="b"');
  models = ['a'];
  const text = await metrics.text();
  expect(text).toContain('model="a"');
  expect(text).not.toContain('model="b"');
});

test('failures of items are counted from zero, so that the first of them shows in a rate', async () => {
  const text = await createMetrics().text();
  expect(text).toContain('vls_items_total{mode="batch",outcome="failed",code="image.corrupt"} 0');
  expect(text).not.toContain('code="queue.full"');
});
