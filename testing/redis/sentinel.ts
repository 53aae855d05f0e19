import { freePort } from '../free-port.ts';
import { until } from '../until.ts';
import { durable, startServer, type TestServer } from './server.ts';
import type { TestTls } from './tls.ts';

/** A master and a replica for a test, watched by three sentinels. */
export interface TestSentinels {
  url: string;
  master: TestServer;
  replica: TestServer;
  /** Returns the current master and replica, which a failover exchanges. Waits until the replica is in sync. */
  roles(): Promise<{ master: TestServer; replica: TestServer }>;
  /** Makes the sentinels promote the replica while the old master is still running. */
  switch(): Promise<void>;
  remove(): Promise<void>;
}

const name = 'vls';
const password = 'p@ss/word';

export async function startSentinels(tls?: TestTls): Promise<TestSentinels> {
  const start = async (settings: Record<string, string>, isSentinel = false) => {
    const port = await freePort();
    const listening = tls === undefined ? { port: String(port) } : tls.settings(port);
    const server = await startServer(
      () => ({ bind: '127.0.0.1', ...listening, ...settings }),
      () => ({ host: '127.0.0.1', port, ...tls?.connection, ...(!isSentinel && { password }) }),
      isSentinel,
    );
    return { port, server };
  };
  const data = { ...durable, requirepass: password, masterauth: password, 'repl-diskless-sync-delay': '0' };
  const master = await start(data);
  const replica = await start({ ...data, replicaof: `127.0.0.1 ${master.port}` });
  const sentinels = await Promise.all(
    [1, 2, 3].map(() =>
      start(
        {
          [`sentinel monitor ${name}`]: `127.0.0.1 ${master.port} 2`,
          [`sentinel auth-pass ${name}`]: password,
          [`sentinel down-after-milliseconds ${name}`]: '1000',
          [`sentinel failover-timeout ${name}`]: '5000',
        },
        true,
      ),
    ),
  );
  async function knowEachOther(isSettled: (value: (field: string) => string | undefined) => boolean): Promise<void> {
    for (const { server } of sentinels) {
      const client = server.connect();
      await until(async () => {
        const master = (await client.call('SENTINEL', 'MASTER', name)) as string[];
        return isSettled((field) => master[master.indexOf(field) + 1]);
      });
      client.disconnect();
    }
  }
  await knowEachOther((value) => value('num-slaves') === '1' && value('num-other-sentinels') === '2');

  /** Returns the role of a server. `syncing` is a replica that is not connected to its master. */
  async function roleOf(server: TestServer): Promise<'master' | 'replica' | 'syncing'> {
    const client = server.connect();
    const [role, , , link] = (await client.role()) as unknown[];
    client.disconnect();
    return role === 'master' ? 'master' : link === 'connected' ? 'replica' : 'syncing';
  }

  const scheme = tls === undefined ? 'redis' : 'rediss';
  const hosts = sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',');
  return {
    url: `${scheme}+sentinel://:${encodeURIComponent(password)}@${hosts}/${name}`,
    master: master.server,
    replica: replica.server,
    async roles() {
      const servers = [master.server, replica.server];
      return await until(async () => {
        const found = await Promise.all(servers.map(roleOf));
        const [now, follower] = [servers[found.indexOf('master')], servers[found.indexOf('replica')]];
        if (now === undefined || follower === undefined) return false;
        await knowEachOther((value) => value('flags') === 'master');
        return { master: now, replica: follower };
      });
    },
    async switch() {
      const client = sentinels[0]?.server.connect();
      // A sentinel refuses a failover until an earlier one is complete.
      await until(async () => (await client?.call('SENTINEL', 'FAILOVER', name)) === 'OK');
      client?.disconnect();
    },
    async remove() {
      await Promise.all([...sentinels, replica, master].map(({ server }) => server.remove()));
    },
  };
}
