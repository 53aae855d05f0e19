import type { Redis } from 'ioredis';
import { freePort } from '../free-port.ts';
import { until } from '../until.ts';
import { durable, startServer, type TestServer } from './server.ts';
import type { TestTls } from './tls.ts';

/** A Redis cluster for a test: three masters without replicas, each with a third of the slots. */
export interface TestCluster {
  url: string;
  servers: readonly TestServer[];
  /** Returns the server that has this key. */
  holderOf(key: string): Promise<TestServer>;
  kill(): Promise<void>;
  /** Starts all servers again, with the data that they had. */
  start(): Promise<void>;
  remove(): Promise<void>;
}

const slots = 16_384;
const count = 3;
const firstSlot = (at: number) => Math.ceil((at * slots) / count);
/** The time in ms after which a silent server counts as failed, short so that tests see commands refused. */
const nodeTimeoutMs = 2_000;

export async function startCluster(tls?: TestTls): Promise<TestCluster> {
  const nodes = await Promise.all(Array.from({ length: count }, () => startNode(tls)));
  const clients = nodes.map(({ server }) => server.connect());
  for (const [at, client] of clients.entries()) {
    await client.cluster('SET-CONFIG-EPOCH', at + 1);
    await client.cluster('ADDSLOTSRANGE', firstSlot(at), firstSlot(at + 1) - 1);
  }
  for (const client of clients) {
    for (const { port, busPort } of nodes) await client.cluster('MEET', '127.0.0.1', port, busPort);
  }
  for (const client of clients) {
    await until(async () => /cluster_state:ok.*cluster_known_nodes:3/s.test(await client.cluster('INFO')));
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
      if (holder === undefined) throw new Error(`No server of the cluster has the slot ${slot}`);
      return holder.server;
    },
    kill: () => each(({ kill }) => kill()),
    start: () => each(({ start }) => start()),
    remove: () => each(({ remove }) => remove()),
  };
}

/** A Redis cluster for a test: three masters with one replica each, which replaces a lost master. */
export interface ReplicatedCluster {
  url: string;
  /** Returns the current master and replica for this key. Waits until the replica is in sync and all servers agree. */
  rolesOf(key: string): Promise<{ master: TestServer; replica: TestServer }>;
  /** Makes the replica the master while the old master is still running. */
  switch(replica: TestServer): Promise<void>;
  remove(): Promise<void>;
}

export async function startReplicatedCluster(): Promise<ReplicatedCluster> {
  const nodes = await Promise.all(Array.from({ length: 2 * count }, () => startNode(undefined)));
  const clients = nodes.map(({ server }) => server.connect());
  for (const [at, client] of clients.entries()) {
    await client.cluster('SET-CONFIG-EPOCH', at + 1);
    if (at < count) await client.cluster('ADDSLOTSRANGE', firstSlot(at), firstSlot(at + 1) - 1);
    for (const { port, busPort } of nodes) await client.cluster('MEET', '127.0.0.1', port, busPort);
  }
  const knows = (nodesKnown: string, ids: readonly string[]) => ids.every((id) => nodesKnown.includes(id));
  const ids = await Promise.all(clients.map((client) => client.cluster('MYID')));
  for (const client of clients) {
    await until(async () => knows(String(await client.cluster('NODES')), ids));
  }
  for (const [at, client] of clients.entries()) {
    if (at >= count) await client.cluster('REPLICATE', ids[at - count] ?? '');
  }
  for (const client of clients) client.disconnect();

  const ask = async <Reply>(server: TestServer, question: (client: Redis) => Promise<Reply>) => {
    const client = server.connect();
    try {
      return await question(client);
    } finally {
      client.disconnect();
    }
  };
  return {
    url: `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    async rolesOf(key) {
      return await until(async () => {
        const said = await Promise.all(nodes.map(({ server }) => ask(server, (client) => client.cluster('NODES'))));
        const lines = String(said[0])
          .trim()
          .split('\n')
          .map((line) => line.split(' '));
        const isWhole = said.every((one) => !/fail|handshake|noaddr/.test(String(one)));
        const first = nodes[0]?.server;
        if (first === undefined || !isWhole) return false;
        const slot = Number(await ask(first, (client) => client.cluster('KEYSLOT', key)));
        const master = lines.find(([, , flags = '', , , , , , ...ranges]) => {
          if (!flags.includes('master')) return false;
          return ranges.some((range) => {
            const [from = Number.NaN, to = from] = range.split('-').map(Number);
            return slot >= from && slot <= to;
          });
        });
        const replica = lines.find(([, , flags, of]) => flags?.includes('slave') && of === master?.[0]);
        const serverOf = (line: string[] | undefined) =>
          nodes.find(({ port }) => line?.[1]?.includes(`:${port}@`))?.server;
        const pair = { master: serverOf(master), replica: serverOf(replica) };
        if (pair.master === undefined || pair.replica === undefined) return false;
        const role = (await ask(pair.replica, (client) => client.role())) as unknown[];
        const isFollowing = role[0] === 'slave' && role[3] === 'connected';
        return isFollowing && (pair as { master: TestServer; replica: TestServer });
      });
    },
    async switch(replica) {
      await ask(replica, (client) => client.cluster('FAILOVER'));
    },
    async remove() {
      await Promise.all(nodes.map(({ server }) => server.remove()));
    },
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
