import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from '../../testing/until.ts';
import { type Report, same } from './report.ts';
import { type Container, docker, type Stack } from './stack.ts';
import { complete, post } from './work.ts';

/** Ends process 1 of a container as a crash would, so that the engine restarts it. */
async function crash({ Id, State }: Container): Promise<void> {
  try {
    process.kill(State.Pid, 'SIGKILL');
  } catch {
    // The engine is on another machine, or its processes belong to somebody else. A killed container is not restarted.
    await docker('kill', Id);
    await docker('start', Id);
  }
}

/** Kills each part while a batch runs. Nothing that was acknowledged may be lost. */
export async function checkCrashes(report: Report, stack: Stack, items: number): Promise<void> {
  for (const service of ['worker', 'redis', 'api']) {
    await report.check(`kill -9 of ${service} in a batch loses nothing`, async () => {
      const id = await post(stack, items, `kill-${service}`);
      await stack.client.batch.until(id, (status) => status.items.succeeded > 0);
      const victims = await stack.containers(service);
      if (victims.length === 0) throw new Error(`there is no ${service}`);
      for (const victim of victims) await crash(victim);
      const old = new Set(victims.map(({ State }) => State.Pid));
      await until(
        async () => {
          const now = await stack.containers(service);
          return now.every(({ State }) => State.Pid !== 0 && !old.has(State.Pid) && State.Health?.Status === 'healthy');
        },
        { everyMs: 500, withinMs: 120_000 },
      );
      return await complete(stack, id, items);
    });
  }
}

/** Stops and removes the containers while a batch runs, and creates them again on the same volumes. */
export async function checkRestarts(report: Report, stack: Stack, items: number): Promise<void> {
  await report.check('`stop` drains API and worker: both end with 0', async () => {
    const id = await post(stack, items, 'stop');
    await stack.client.batch.until(id, (status) => status.items.succeeded > 0);
    await stack.compose('stop');
    for (const { Name, State } of await stack.containers('api', 'worker'))
      same(State.ExitCode, 0, `the exit code of ${Name}`);
    await stack.up('--no-build');
    return await complete(stack, id, items);
  });
  await report.check('`down` and `up` in a batch lose nothing', async () => {
    const id = await post(stack, items, 'down');
    await stack.client.batch.until(id, (status) => status.items.succeeded > 0);
    await stack.compose('down');
    same((await stack.containers()).length, 0, 'the number of containers');
    await stack.up('--no-build');
    return await complete(stack, id, items);
  });
}

const restoreScript = fileURLToPath(new URL('../../deploy/redis/restore.sh', import.meta.url));

/** Loses the volume of Redis, and restores it from a snapshot as docs/backup.md describes. */
export async function checkRestore(report: Report, stack: Stack, items: number): Promise<void> {
  await report.check('a restore into a new volume has every batch of the snapshot', async () => {
    const finished = await post(stack, 40, 'finished');
    await complete(stack, finished, 40);
    await stack.compose('stop', 'worker');
    const waiting = await post(stack, items, 'waiting');
    const snapshot = join(stack.directory, 'redis.rdb');
    await stack.save(snapshot, 'redis', 'redis-cli', '-e', '--rdb', '-');
    await stack.compose('stop', 'api', 'worker', 'redis');
    await stack.compose('rm', '-f', 'redis');
    await docker('volume', 'rm', `${stack.project}_redis`);
    const mounts = ['-v', `${snapshot}:/restore/redis.rdb:ro`, '-v', `${restoreScript}:/restore/restore.sh:ro`];
    const restore = ['sh', '/restore/restore.sh', '/restore/redis.rdb', '/data'];
    const { stdout } = await stack.compose('run', '--rm', '--no-deps', '-T', ...mounts, 'redis', ...restore);
    await stack.up('--no-build');
    await complete(stack, finished, 40);
    return `${stdout.trim()}, ${await complete(stack, waiting, items)}`;
  });
}
