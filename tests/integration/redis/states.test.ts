import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import type { Redis as Server } from 'ioredis';
import { expect, onTestFinished, test, vi } from 'vitest';
import { consumeWebhooks } from '../../../batches/lifecycle/webhook-consumer.ts';
import { consumeChunks, type Delivery } from '../../../batches/queue/chunk-consumer.ts';
import { createQueues } from '../../../batches/queue/queues.ts';
import { probeKey } from '../../../shared/redis/keys.ts';
import { watchRedis } from '../../../shared/redis/watch.ts';
import { connectRedis } from '../../../shared/redis.ts';
import { freePort } from '../../../testing/free-port.ts';
import { startServer } from '../../../testing/redis/server.ts';
import { until } from '../../../testing/until.ts';
import { silentLog } from '../../support/silent-log.ts';

/** A server, a connection of ours that is watched, and one of an administrator, who brings the server into a state. */
async function start(settings: Record<string, string> = {}) {
  const port = await freePort();
  let directory = '';
  const server = await startServer(
    (at) => {
      directory = at;
      return { bind: '127.0.0.1', port: String(port), save: '', 'enable-protected-configs': 'yes', ...settings };
    },
    () => ({ host: '127.0.0.1', port }),
  );
  const log = silentLog();
  const said: string[] = [];
  for (const level of ['warn', 'info'] as const) {
    vi.spyOn(log, level).mockImplementation(((_fields: unknown, message?: string) =>
      said.push(message ?? String(_fields))) as never);
  }
  const redis = connectRedis(`redis://127.0.0.1:${port}`, 'producer', log) as Server;
  await new Promise((resolve) => redis.once('ready', resolve));
  const watch = watchRedis(redis, probeKey(redis), log);
  const admin = server.connect();
  onTestFinished(async () => {
    watch.close();
    redis.disconnect();
    admin.disconnect();
    server.thaw();
    await server.remove();
  });
  await watch.look();
  expect(watch.fault()).toBeUndefined();
  return { server, redis, admin, watch, said, directory };
}
type Started = Awaited<ReturnType<typeof start>>;

async function untilFault({ watch }: Started, wanted: string | undefined): Promise<void> {
  await until(async () => {
    await watch.look();
    expect(watch.fault()).toBe(wanted);
  });
}

const writes = async ({ redis }: Started): Promise<unknown> =>
  redis.set('key', 'value').catch((error: Error) => error.message);

const states: [
  fault: string,
  said: RegExp,
  enter: (started: Started) => Promise<unknown>,
  leave: (started: Started) => Promise<unknown>,
][] = [
  [
    'read_only',
    /read-only replica/,
    async ({ admin }) => admin.replicaof('127.0.0.1', await freePort()),
    ({ admin }) => admin.replicaof('NO', 'ONE'),
  ],
  [
    'not_permitted',
    /lacks permissions/,
    ({ admin }) => admin.acl('SETUSER', 'default', 'resetkeys', '~other:*'),
    ({ admin }) => admin.acl('SETUSER', 'default', 'allkeys'),
  ],
  [
    'full',
    /Redis is full/,
    ({ admin }) => admin.config('SET', 'maxmemory', 1),
    ({ admin }) => admin.config('SET', 'maxmemory', 0),
  ],
  [
    'disk',
    /cannot save to disk/,
    async ({ admin, directory }) => {
      await admin.config('SET', 'save', '3600 1');
      await rm(directory, { recursive: true });
      await saved(admin, 'err');
    },
    async ({ admin, directory }) => {
      await mkdir(directory);
      await admin.config('SET', 'dir', directory);
      await saved(admin, 'ok');
    },
  ],
  [
    'replicas',
    /too few connected replicas/,
    ({ admin }) => admin.config('SET', 'min-replicas-to-write', 1),
    ({ admin }) => admin.config('SET', 'min-replicas-to-write', 0),
  ],
];

/** Has a snapshot made, and waits for its outcome. */
async function saved(admin: Server, wanted: 'ok' | 'err'): Promise<void> {
  await admin.bgsave();
  await until(async () => {
    const info = await admin.info('persistence');
    expect(info).toMatch(/rdb_bgsave_in_progress:0/);
    expect(info).toContain(`rdb_last_bgsave_status:${wanted}`);
  });
}

test.each(states)(
  'a Redis in the state %s is known by it, said once, and well again afterwards',
  async (fault, sentence, enter, leave) => {
    const started = await start();
    await enter(started);
    await untilFault(started, fault);
    expect(started.watch.describe()).toMatch(sentence);
    for (let look = 0; look < 5; look++) await started.watch.look();
    expect(started.said.filter((line) => sentence.test(line))).toHaveLength(1);
    await leave(started);
    await untilFault(started, undefined);
    expect(started.said.filter((line) => /available again/.test(line))).toHaveLength(1);
    await until(async () => expect(await writes(started)).toBe('OK'));
  },
);

test('a Redis that hangs is silent, and serves again when it continues', async () => {
  const started = await start();
  started.server.freeze();
  await untilFault(started, 'silent');
  started.server.thaw();
  await untilFault(started, undefined);
});

test('a password that was changed is named, and the connection is there again when it is changed back', async () => {
  const started = await start();
  await started.admin.config('SET', 'requirepass', 'another');
  await started.admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await untilFault(started, 'password');
  expect(started.said.filter((line) => /cannot reach Redis/.test(line))).toHaveLength(1);
  await started.admin.config('SET', 'requirepass', '');
  await untilFault(started, undefined);
});

test('a Redis that loads its data is said to be loading', async () => {
  const started = await start({
    save: '3600 1',
    'key-load-delay': '200000',
    'loading-process-events-interval-bytes': '1024',
  });
  for (let at = 0; at < 30; at++) await started.redis.set(`key:${at}`, randomBytes(2_000));
  await started.admin.save();
  await started.server.kill();
  const restarted = started.server.start();
  await untilFault(started, 'loading');
  await untilFault(started, undefined);
  await restarted;
});

test('a read-only server stays known as such while its connections are replaced', async () => {
  const started = await start();
  await started.admin.replicaof('127.0.0.1', await freePort());
  await untilFault(started, 'read_only');
  for (let round = 0; round < 5; round++) {
    await started.admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await until(() => expect(started.redis.status).not.toBe('ready'));
    await started.watch.look();
    expect(started.watch.fault()).toBe('read_only');
  }
  expect(started.said.filter((line) => /read-only replica/.test(line))).toHaveLength(1);
});

test('a server that stays read-only is not asked to open connections without end, and no listener piles up', async () => {
  const started = await start();
  const warnings: string[] = [];
  const onWarning = ({ name }: Error) => warnings.push(name);
  process.on('warning', onWarning);
  onTestFinished(() => void process.off('warning', onWarning));
  await started.admin.replicaof('127.0.0.1', await freePort());
  const before = Number(/total_connections_received:(\d+)/.exec(await started.admin.info('stats'))?.[1]);
  for (let round = 0; round < 20; round++) {
    await Promise.all(Array.from({ length: 50 }, () => writes(started)));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const after = Number(/total_connections_received:(\d+)/.exec(await started.admin.info('stats'))?.[1]);
  expect(after - before).toBeLessThanOrEqual(5);
  expect(warnings).toEqual([]);
});

test('consumers do not ask a Redis that refuses writes without a pause, and take jobs when it takes them again', async () => {
  const started = await start();
  const connection = connectRedis(`redis://127.0.0.1:${started.redis.options.port}`, 'consumer', silentLog()) as Server;
  const queues = createQueues(connection, () => ['compact'], silentLog());
  const taken = Promise.withResolvers<void>();
  const all = Promise.withResolvers<void>();
  const chunks = [...Array(20).keys()];
  const seen = new Set<number>();
  // The first chunk is in flight and others wait when Redis begins to refuse: a worker that waits for none asks seldom.
  const take = async ({ data }: Delivery) => {
    if (seen.size === 0) await started.admin.config('SET', 'min-replicas-to-write', 1);
    taken.resolve();
    seen.add(data.chunk);
    if (seen.size === chunks.length) all.resolve();
    return { done: {} };
  };
  await queues.add(
    { id: 'batch', tenant: 'default', profile: 'compact', priority: 0, weight: 1 },
    chunks,
    chunks.map(() => 1),
  );
  const consumers = [
    consumeChunks(connection, 'compact', { usual: 2 }, take, silentLog()),
    consumeWebhooks(connection, () => Promise.reject(new Error('nothing to deliver')), silentLog()),
  ];
  await taken.promise;
  const commands = async () => Number(/total_commands_processed:(\d+)/.exec(await started.admin.info('stats'))?.[1]);
  const before = await commands();
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  expect((await commands()) - before).toBeLessThan(500);
  await started.admin.config('SET', 'min-replicas-to-write', 0);
  await all.promise;
  await Promise.all(consumers.map((consumer) => consumer.close(true)));
  await queues.close();
  connection.disconnect();
});
