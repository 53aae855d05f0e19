import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './prometheus.ts';
import { durable, startServer, type TestServer } from './redis-server.ts';
import type { TestTls } from './redis-tls.ts';

/** A master and a replica of a test's own, watched by three sentinels. */
export interface TestSentinels {
  url: string;
  master: TestServer;
  replica: TestServer;
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
  for (const { server } of sentinels) {
    const client = server.connect();
    for (;;) {
      const said = (await client.call('SENTINEL', 'MASTER', name)) as string[];
      const value = (field: string) => said[said.indexOf(field) + 1];
      if (value('num-slaves') === '1' && value('num-other-sentinels') === '2') break;
      await delay(20);
    }
    client.disconnect();
  }
  const scheme = tls === undefined ? 'redis' : 'rediss';
  const hosts = sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',');
  return {
    url: `${scheme}+sentinel://:${encodeURIComponent(password)}@${hosts}/${name}`,
    master: master.server,
    replica: replica.server,
    async remove() {
      await Promise.all([...sentinels, replica, master].map(({ server }) => server.remove()));
    },
  };
}
