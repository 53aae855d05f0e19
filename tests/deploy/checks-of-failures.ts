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
      await crashAll(stack, service);
      return await complete(stack, id, items);
    });
  }
}

/** Kills every container of a service at once, and waits until the engine has restarted them and they are healthy. */
async function crashAll(stack: Stack, service: string): Promise<void> {
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
}

/** Kills what observes the service, while it is used. The service must not notice, and the stack becomes healthy again. */
export async function checkObserverCrashes(report: Report, stack: Stack, observers: readonly string[]): Promise<void> {
  for (const service of observers) {
    await report.check(`kill -9 of ${service} disturbs nobody, and it comes back healthy`, async () => {
      const id = await post(stack, 60, `kill-${service}`);
      const [, done] = await Promise.all([crashAll(stack, service), complete(stack, id, 60)]);
      for (const { Name, State } of await stack.containers())
        same([State.Status, State.Health?.Status ?? 'healthy'], ['running', 'healthy'], Name);
      return done;
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

/** Replaces workers and API by those of another tag, and back, in the order of the guide, while a batch runs. */
export async function checkUpdate(report: Report, stack: Stack, image: string, items: number): Promise<void> {
  const next = `${stack.project}:next`;
  await docker('tag', image, next);
  try {
    for (const [name, target] of [
      ['an update', next],
      ['a rollback', image],
    ] as const) {
      await report.check(`${name} in a batch, workers first, loses nothing`, async () => {
        const id = await post(stack, items, name);
        await stack.client.batch.until(id, (status) => status.items.succeeded > 0);
        await stack.replace(target, '--scale', 'worker=3', 'worker');
        await stack.replace(target, 'api');
        const containers = await stack.containers('api', 'worker');
        same(
          containers.map(({ Config }) => Config.Image),
          Array(4).fill(target),
          'the list of images',
        );
        return await complete(stack, id, items);
      });
    }
  } finally {
    await docker('image', 'rm', '--force', next).catch(() => {});
  }
}

const restoreScript = fileURLToPath(new URL('../../deploy/redis/restore.sh', import.meta.url));

/**
 * Lets frozen workers run for short turns, until an item of the batch is scored, and returns with the workers frozen. The
 * batch is looked at between two turns only, so a slow answer does not let it end.
 */
async function scoreFirstItems(stack: Stack, workers: readonly string[], id: string): Promise<void> {
  await until(
    async () => {
      await docker('unpause', ...workers);
      await docker('pause', ...workers);
      return (await stack.client.batch.status(id)).body.items.succeeded > 0;
    },
    { everyMs: 25 },
  );
}

/**
 * Takes a snapshot of Redis with a batch that is being scored and one that waits. A batch ends sooner than a snapshot is
 * taken, so the workers are frozen before the post, and continue after the snapshot.
 */
async function snapshotDuringBatch(stack: Stack, items: number) {
  const { batch } = stack.client;
  const workers = (await stack.containers('worker')).map(({ Id }) => Id);
  await docker('pause', ...workers);
  try {
    const running = await post(stack, items, 'running');
    const waiting = await post(stack, 60, 'waiting');
    await scoreFirstItems(stack, workers, running);
    const acknowledged = await batch.resultsSoFar(running);
    if (acknowledged.length === items) throw new Error('the batch ended in one turn: more --items are needed');
    const snapshot = join(stack.directory, 'redis.rdb');
    await stack.save(snapshot, 'redis', 'redis-cli', '-e', '--rdb', '-');
    same((await batch.status(running)).body.finishedAt, null, 'the end of the batch');
    const later = await post(stack, 10, 'later');
    return { snapshot, running, waiting, later, acknowledged };
  } finally {
    // A frozen container cannot be stopped.
    await docker('unpause', ...workers);
  }
}

/**
 * Loses the volume of Redis while a batch is being scored, and restores it from a snapshot as docs/backup.md describes. One
 * batch is complete at the time of the snapshot, one is being scored, and one waits.
 */
export async function checkRestore(report: Report, stack: Stack, items: number): Promise<void> {
  await report.check('a restore into a new volume has every batch of the snapshot, each item scored once', async () => {
    const { batch } = stack.client;
    const finished = await post(stack, 40, 'finished');
    await complete(stack, finished, 40);
    const scores = await batch.results(finished);
    const { snapshot, running, waiting, later, acknowledged } = await snapshotDuringBatch(stack, items);

    await stack.compose('stop', 'api', 'worker', 'redis');
    await stack.compose('rm', '-f', 'redis');
    await docker('volume', 'rm', `${stack.project}_redis`);
    const mounts = ['-v', `${snapshot}:/restore/redis.rdb:ro`, '-v', `${restoreScript}:/restore/restore.sh:ro`];
    const restore = ['sh', '/restore/restore.sh', '/restore/redis.rdb', '/data'];
    const { stdout } = await stack.compose('run', '--rm', '--no-deps', '-T', ...mounts, 'redis', ...restore);
    await stack.up('--no-build');

    same(await batch.results(finished), scores, 'the results of the finished batch');
    const all = await complete(stack, running, items);
    await complete(stack, waiting, 60);
    const byIndex = new Map((await batch.results(running)).map((result) => [result.index, result]));
    for (const result of acknowledged) same(byIndex.get(result.index), result, `result ${result.index}`);
    same((await batch.status(later)).status, 404, 'the status of a batch that is not in the snapshot');
    return `${stdout.trim()}, ${all}, ${acknowledged.length} of them before the snapshot`;
  });
}
