import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { checkForeignRedis } from '../../../start/redis/foreign.ts';
import { createClient } from '../../../testing/client.ts';
import { freePort } from '../../../testing/free-port.ts';
import { readPhoto } from '../../../testing/images/host.ts';
import { startProcess } from '../../../testing/processes/service.ts';
import { startCluster } from '../../../testing/redis/cluster.ts';
import { startSentinels } from '../../../testing/redis/sentinel.ts';
import { durable, startServer } from '../../../testing/redis/server.ts';
import { createTls, lackForTls, type TestTls } from '../../../testing/redis/tls.ts';

const lack = lackForTls();
if (lack !== undefined) process.stdout.write(`Redis over TLS is not tested: ${lack}\n`);

let tls: TestTls;
let another: TestTls;
beforeAll(async () => {
  if (lack !== undefined) return;
  // Each server takes none but clients with a certificate.
  [tls, another] = await Promise.all([createTls(true), createTls()]);
});
afterAll(async () => {
  await Promise.all([tls?.remove(), another?.remove()]);
});

const items = Array.from({ length: 8 }, () => ({ image: readPhoto('coffee.jpg').toString('base64'), text: 'coffee' }));
const password = 'se:cret';

async function startTlsServer(): Promise<{ url: string; remove(): Promise<void> }> {
  const port = await freePort();
  const server = await startServer(
    () => ({ ...durable, ...tls.settings(port), bind: '127.0.0.1', requirepass: password }),
    () => ({ host: '127.0.0.1', port, password, ...tls.connection }),
  );
  return { url: `rediss://:${encodeURIComponent(password)}@127.0.0.1:${port}`, remove: server.remove };
}

const ours = () => ({ REDIS_TLS_DIR: tls.directory });

const starts = {
  'a server': startTlsServer,
  'a cluster': () => startCluster(tls),
  'a master found by sentinels': () => startSentinels(tls),
};

describe.skipIf(lack !== undefined).each(Object.entries(starts))('over TLS to %s', (_what, start) => {
  let redis: Awaited<ReturnType<typeof start>>;
  beforeAll(async () => {
    redis = await start();
  });
  afterAll(() => redis.remove());

  test('a batch is stored, evaluated and read', async () => {
    const service = await startProcess('service', { ...ours(), REDIS_URL: redis.url, LOG_LEVEL: 'warn' });
    onTestFinished(async () => void (await service.stop()));
    const client = createClient(service.url);
    const { body } = await client.batch.post(items);
    expect(await client.batch.finished(body.id)).toMatchObject({ state: 'completed', items: { succeeded: 8 } });
  });

  test('one with a certificate of another authority is refused with reason and advice, and single requests keep working', async () => {
    const env = { REDIS_TLS_DIR: another.directory, REDIS_URL: redis.url, LOG_LEVEL: 'warn' };
    const service = await startProcess('service', env);
    onTestFinished(async () => void (await service.stop()));
    const client = createClient(service.url);
    expect((await client.single(items[0])).status).toBe(200);
    expect((await client.batch.post(items)).status).toBe(503);
    expect(service.output()).toMatch(/cannot reach Redis/);
    expect(service.output()).toMatch(/certificate is not signed by a trusted authority.*REDIS_TLS_DIR/);
    expect(service.output()).not.toContain(password);
  });

  test('the supervisor reaches it with our files, and says why it does not with others', async () => {
    const said: string[] = [];
    const say = (line: string) => void said.push(line);
    await checkForeignRedis(redis.url, { redisTlsDir: tls.directory }, say);
    expect(said).toEqual([]);
    await checkForeignRedis(redis.url, { redisTlsDir: another.directory }, say);
    expect(said).toEqual([
      expect.stringMatching(/does not answer \(.*not signed by a trusted authority.*REDIS_TLS_DIR/),
    ]);
  });
});
