import { setTimeout as delay } from 'node:timers/promises';
import { treeMiBOf } from '../../testing/processes/usage.ts';
import { readable } from '../../testing/readable.ts';
import { median } from '../../testing/statistics.ts';
import type { Figure } from '../figures.ts';
import { install } from '../installation.ts';

/** Small enough to be full after the first items: an image and a text of compact take 4 KiB. */
const cacheMb = 16;
const firstItems = 5_000;
const itemsOfABatch = 5_000;

/**
 * Whether a worker grows: memory of its process and its encoders after `items` over that after 5,000, with caches
 * that are full by then. Images and texts are unique, pictures of four sizes.
 */
export async function benchMemory(items: number, say: (line: string) => void): Promise<Figure[]> {
  const { client, pair, processes, close } = await install({
    roles: ['stub-api', 'worker'],
    env: { EMBEDDING_CACHE_MB: String(cacheMb), MODEL: 'compact', WORKER_PROFILES: 'compact' },
    sizes: 'mixed',
  });
  try {
    const readings: { items: number; mib: number }[] = [];
    for (let done = 0; done < items; ) {
      const pairs = Array.from({ length: Math.min(itemsOfABatch, items - done) }, () => pair());
      const { body } = await client.batch.post(pairs);
      const status = await client.batch.finished(body.id);
      if (status.items.succeeded !== pairs.length) throw new Error(`The batch failed: ${JSON.stringify(status)}`);
      await client.call(`/v1/evaluation/batch/${body.id}`, { method: 'DELETE' });
      done += pairs.length;
      const mib = await settledMiBOf(processes[1]?.pid ?? 0);
      readings.push({ items: done, mib });
      say(`memory: ${readable(done)} items, ${readable(mib)} MiB`);
    }
    const first = readings.find((reading) => reading.items >= firstItems);
    const last = readings.at(-1);
    if (first === undefined || last === undefined || first === last) return [];
    return [
      {
        id: 'memory/growth',
        name: `worker and encoders after ${readable(last.items)} items / ${readable(first.items)}`,
        value: last.mib / first.mib,
        unit: '',
        target: { most: 1.05 },
        detail: `MiB: ${sample(readings)
          .map(({ mib }) => readable(mib))
          .join(', ')}`,
      },
    ];
  } finally {
    await close();
  }
}

/** Of several readings, since garbage comes and goes. */
async function settledMiBOf(pid: number): Promise<number> {
  const readings: number[] = [];
  for (let reading = 0; reading < 5; reading++) {
    await delay(400);
    readings.push(treeMiBOf(pid));
  }
  return median(readings);
}

/** About ten of them, the first and the last included. */
function sample<Value>(values: readonly Value[]): Value[] {
  const step = Math.max(1, Math.round((values.length - 1) / 10));
  return values.filter((_, at) => at % step === 0 || at === values.length - 1);
}
