import { setTimeout as delay } from 'node:timers/promises';
import { install } from '../../testing/processes/installation.ts';
import { treeMiBOf } from '../../testing/processes/usage.ts';
import { readable } from '../../testing/readable.ts';
import { median } from '../../testing/statistics.ts';
import { type Figure, figure, most } from '../figures.ts';

/** The cache size in MiB, which the first batch fills: an image and a text of compact take 4 KiB together. */
const cacheMb = 16;
const itemsOfABatch = 5_000;

/**
 * Measures the memory of a worker and its encoders after `items` unique items, divided by that after 5,000, when the
 * caches are full.
 */
export async function benchMemory(items: number, say: (line: string) => void): Promise<Figure[]> {
  const { client, batch, processes, close } = await install({
    roles: ['stub-api', 'worker'],
    env: { EMBEDDING_CACHE_MB: String(cacheMb), MODEL: 'compact', WORKER_PROFILES: 'compact' },
    sizes: 'mixed',
  });
  try {
    const readings: { items: number; mib: number }[] = [];
    for (let done = 0; done < items; ) {
      const size = Math.min(itemsOfABatch, items - done);
      const { id } = await batch(size);
      await client.call(`/v1/evaluation/batch/${id}`, { method: 'DELETE' });
      done += size;
      readings.push({ items: done, mib: await settledMiBOf(processes[1]?.pid ?? 0) });
      say(`memory: ${readable(done)} items, ${readable(readings.at(-1)?.mib ?? 0)} MiB`);
    }
    const [first, last] = [readings[0], readings.at(-1)];
    if (first === undefined || last === undefined || first === last) return [];
    const name = `memory of worker and encoders, after ${readable(last.items)} items / after ${readable(first.items)} items`;
    const all = sample(readings).map(({ mib }) => readable(mib));
    return [figure('memory/growth', name, last.mib / first.mib, '', `MiB: ${all.join(', ')}`, most(1.05))];
  } finally {
    await close();
  }
}

/**
 * Returns the memory of a process tree in MiB: the median of several measurements, which garbage collection affects.
 */
async function settledMiBOf(pid: number): Promise<number> {
  const readings: number[] = [];
  for (let reading = 0; reading < 5; reading++) {
    await delay(400);
    readings.push(treeMiBOf(pid));
  }
  return median(readings);
}

/** Returns about ten of the values, including the first and the last. */
function sample<Value>(values: readonly Value[]): Value[] {
  const step = Math.max(1, Math.round((values.length - 1) / 10));
  return values.filter((_, at) => at % step === 0 || at === values.length - 1);
}
