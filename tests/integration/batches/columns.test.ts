import { afterAll, beforeAll, expect, test } from 'vitest';
import { infoNumber } from '../../../shared/redis/info.ts';
import { askMasters } from '../../../shared/redis/masters.ts';
import { type Engine, startEngine, succeeded, tenant } from '../../support/engine.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.close());

/** Bytes that Redis has sent to all its clients. */
async function sentBytes(): Promise<number> {
  const infos = await askMasters(engine.redis, (master) => master.info('stats'));
  return infos.reduce((sum, info) => sum + infoNumber(info, 'total_net_output_bytes'), 0);
}

const batches = 20;
const wide = ['image', 'text', ...Array.from({ length: 5_000 }, (_, at) => `column ${at} ${'x'.repeat(32)}`)];
const columnBytes = JSON.stringify(wide).length;

test('lists, statuses and sweeps leave the columns of CSV in Redis, and results have them', async () => {
  const options = { columns: wide, columnNames: { image: 'image', text: 'text', id: 'id' }, output: 's3://b/f/' };
  const ids: string[] = [];
  for (let at = 0; at < batches; at++) ids.push(await engine.post(4, { options: { ...options } }));
  const before = await sentBytes();
  const list = await engine.batches.list(tenant, { limit: batches, state: ['queued', 'running'] });
  expect(list.batches).toHaveLength(batches);
  for (const id of ids)
    expect(await engine.batches.status(tenant, id)).toMatchObject({ files: { csv: 's3://b/f/results.csv' } });
  await engine.sweeper.sweep();
  for (const id of ids) await engine.commit(id, 0, succeeded(0, 4));
  // Less than the columns of two batches; with them it would be sixty times.
  expect((await sentBytes()) - before).toBeLessThan(2 * columnBytes);

  let csv = '';
  for await (const part of await engine.batches.stream(tenant, ids[0] ?? '', 'csv', { formulas: 'keep' })) csv += part;
  expect(csv).toContain(wide.at(-1));
});
