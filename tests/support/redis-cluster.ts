import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './prometheus.ts';
import { durable, startServer, type TestServer } from './redis-server.ts';
import type { TestTls } from './redis-tls.ts';

/** A cluster of a test's own: three masters without replicas, each with a third of the slots. */
export interface TestCluster {
  url: string;
  servers: readonly TestServer[];
  /** The server that has this key. */
  holderOf(key: string): Promise<TestServer>;
  /** Ends all servers as a power cut would. */
  kill(): Promise<void>;
  /** Starts all servers again on the same data. */
  start(): Promise<void>;
  remove(): Promise<void>;
}

const slots = 16_384;
const count = 3;
/** When a server counts as failed, in milliseconds: soon, so that a test sees the whole cluster refuse. */
const nodeTimeoutMs = 2_000;

export async function startCluster(tls?: TestTls): Promise<TestCluster> {
  const nodes = await Promise.all(Array.from({ length: count }, () => startNode(tls)));
  const clients = nodes.map(({ server }) => server.connect());
  const firstSlot = (at: number) => Math.ceil((at * slots) / count);
  for (const [at, client] of clients.entries()) {
    await client.cluster('SET-CONFIG-EPOCH', at + 1);
    await client.cluster('ADDSLOTSRANGE', firstSlot(at), firstSlot(at + 1) - 1);
  }
  for (const client of clients) {
    for (const { port, busPort } of nodes) await client.cluster('MEET', '127.0.0.1', port, busPort);
  }
  for (const client of clients) {
    for (let info = ''; !/cluster_state:ok.*cluster_known_nodes:3/s.test(info); await delay(20)) {
      info = await client.cluster('INFO');
    }
    client.disconnect();
  }
  const each = async (act: (server: TestServer) => Promise<void>) => {
    await Promise.all(nodes.map(({ server }) => act(server)));
  };
  return {
    url: `${tls === undefined ? 'redis' : 'rediss'}+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    servers: nodes.map(({ server }) => server),
    async holderOf(key) {
      const client = nodes[0]?.server.connect();
      const slot = Number(await client?.cluster('KEYSLOT', key));
      client?.disconnect();
      const holder = nodes.find((_, at) => slot < firstSlot(at + 1));
      if (holder === undefined) throw new Error(`Nobody has the slot ${slot}`);
      return holder.server;
    },
    kill: () => each(({ kill }) => kill()),
    start: () => each(({ start }) => start()),
    remove: () => each(({ remove }) => remove()),
  };
}

async function startNode(tls: TestTls | undefined): Promise<{ port: number; busPort: number; server: TestServer }> {
  const [port, busPort] = await Promise.all([freePort(), freePort()]);
  const server = await startServer(
    () => ({
      ...durable,
      bind: '127.0.0.1',
      ...(tls === undefined ? { port: String(port) } : tls.settings(port)),
      'cluster-enabled': 'yes',
      'cluster-port': String(busPort),
      'cluster-announce-ip': '127.0.0.1',
      'cluster-node-timeout': String(nodeTimeoutMs),
    }),
    () => ({ host: '127.0.0.1', port, ...tls?.connection }),
  );
  return { port, busPort, server };
}
