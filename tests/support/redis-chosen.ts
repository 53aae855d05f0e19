import { inject } from 'vitest';
import { startCluster, type TestCluster } from '../../testing/redis/cluster.ts';
import { startRedis, type TestRedis } from '../../testing/redis/single.ts';

/** A Redis of a test's own, a server or a whole cluster as the run has it (vitest.config.ts). */
export type ChosenRedis = Pick<TestRedis, 'url' | 'kill' | 'start' | 'remove'>;

/** Starts a server in 0.05 s. A cluster accepts writes only after 2 s, so tests get the same, emptied. */
export const startChosenRedis = (): Promise<ChosenRedis> =>
  inject('topology') === 'cluster' ? takeCluster() : startRedis();

/**
 * The cluster that a test has given back; resolves when it is empty. The next test takes it, also that of another file,
 * since files share processes. It ends with this process.
 */
let spare: Promise<TestCluster> | undefined;
// Vitest ends its processes by SIGTERM, which would skip the handlers of `exit` and leave the servers running.
process.once('SIGTERM', () => process.exit(143));

async function takeCluster(): Promise<ChosenRedis> {
  const given = spare;
  spare = undefined;
  const cluster = (await given) ?? (await startCluster());
  const settings = await settingsOf(cluster);
  let isIntact = true;
  return {
    url: cluster.url,
    start: cluster.start,
    async kill() {
      isIntact = false;
      await cluster.kill();
    },
    async remove() {
      if (!isIntact || spare !== undefined) return await cluster.remove();
      // Assigned before the wait: a second cluster that is given back meanwhile must be removed.
      spare = empty(cluster, settings).then(() => cluster);
      await spare;
    },
  };
}

/** Removes what a test has left: keys, scripts, and settings that it changed. */
async function empty(cluster: TestCluster, settings: readonly Map<string, string>[]): Promise<void> {
  const now = await settingsOf(cluster);
  await Promise.all(
    cluster.servers.map(async (server, at) => {
      const client = server.connect();
      for (const [name, value] of settings[at] ?? []) {
        if (now[at]?.get(name) !== value) await client.config('SET', name, value);
      }
      await client.flushall();
      await client.script('FLUSH');
      client.disconnect();
    }),
  );
}

/** The settings of each server. */
const settingsOf = (cluster: TestCluster): Promise<Map<string, string>[]> =>
  Promise.all(
    cluster.servers.map(async (server) => {
      const client = server.connect();
      const list = (await client.config('GET', '*')) as string[];
      client.disconnect();
      return new Map(list.flatMap((name, at) => (at % 2 === 0 ? [[name, list[at + 1] ?? ''] as const] : [])));
    }),
  );
