import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { consumeWebhooks } from '../../../batches/lifecycle/webhook-consumer.ts';
import { deliverWebhook, type PostWebhook, type WebhookAnswer } from '../../../batches/lifecycle/webhook-delivery.ts';
import { ServiceError } from '../../../shared/errors.ts';
import { webhookQueueName } from '../../../shared/redis/keys.ts';
import { until } from '../../../testing/until.ts';
import { type Engine, failed, startEngine, succeeded, tenant } from '../../support/engine.ts';
import { silentLog } from '../../support/silent-log.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.close());

const secret = `whsec_${Buffer.from('a secret of this test').toString('base64')}`;
const url = 'https://hook.example.org/';

async function endedBatch(owner = tenant): Promise<string> {
  const id = await engine.post(4, { options: { webhookUrl: url }, tenant: owner });
  await engine.chunks.commit(engine.job(id, 0, owner), { offset: 0, items: [] }, failed(0, 4));
  return id;
}

const deliver = (id: string, post: PostWebhook, isLast = false) =>
  deliverWebhook(engine.redis, id, isLast, secret, post);
const webhookOf = async (id: string) => (await engine.batches.status(tenant, id)).webhook;
const answers =
  (...list: WebhookAnswer[]): PostWebhook =>
  async () =>
    list.shift() ?? { status: 204 };

test('96 receivers of one tenant that hang hold up no webhook of another', async () => {
  const connection = engine.connectWorker();
  onTestFinished(() => void connection.disconnect());
  const hanging = Promise.withResolvers<void>();
  const owners = new Map<string, string>();
  for (let at = 0; at < 96; at++) owners.set(await endedBatch('hostile'), 'hostile');
  const begun = { hostile: 0, other: 0 };
  const consumer = consumeWebhooks(
    connection,
    async (id) => {
      const owner = owners.get(id);
      begun[owner === 'hostile' ? 'hostile' : 'other']++;
      if (owner === 'hostile') await hanging.promise;
      return { state: 'delivered' };
    },
    silentLog(),
  );
  await until(() => expect(begun.hostile).toBe(16));
  for (let at = 0; at < 4; at++) await endedBatch('other');
  // Each is delivered while every one of the hostile ones still hangs.
  await until(() => expect(begun.other).toBe(4));
  expect(begun.hostile).toBe(16);
  hanging.resolve();
  // And those are all delivered once their receivers answer: a lone tenant has all places.
  await until(() => expect(begun.hostile).toBe(96));
  await consumer.close();
});

test('every attempt of one webhook has the same body, whatever happens to the batch in between', async () => {
  const id = await endedBatch();
  const bodies: string[] = [];
  const ids = new Set<string | undefined>();
  const post: PostWebhook = async (_url, body, headers) => {
    bodies.push(body);
    ids.add(headers['webhook-id']);
    return { status: bodies.length < 3 ? 500 : 204 };
  };
  await expect(deliver(id, post)).rejects.toThrow('500 from hook.example.org');
  const child = await engine.batches.retry(tenant, id);
  expect(await engine.batches.status(tenant, id)).toMatchObject({ retriedBy: child.id, webhook: { attempts: 1 } });
  await expect(deliver(id, post)).rejects.toThrow();
  expect(await deliver(id, post)).toEqual({ state: 'delivered' });
  expect(new Set(bodies).size).toBe(1);
  expect(ids).toEqual(new Set([`batch-${id}`]));
  expect(JSON.parse(bodies[0] ?? '')).toMatchObject({
    type: 'batch.failed',
    data: { id, phase: 'finished', items: { failed: 4, pending: 0 }, webhook: { attempts: 0, state: 'pending' } },
  });
  expect(await webhookOf(id)).toMatchObject({ state: 'delivered', attempts: 3, error: null });
});

test('410 ends the delivery at once', async () => {
  const id = await endedBatch();
  expect(await deliver(id, answers({ status: 410 }))).toEqual({
    state: 'refused',
    reason: '410 from hook.example.org',
  });
  expect(await webhookOf(id)).toMatchObject({ state: 'failed', attempts: 1, error: '410 from hook.example.org' });
  // Nothing is sent any more.
  const post = vi.fn<PostWebhook>();
  expect(await deliver(id, post)).toEqual({ state: 'delivered' });
  expect(post).not.toHaveBeenCalled();
});

test('an address that may not be asked is not asked again', async () => {
  const id = await endedBatch();
  const blocked = new ServiceError('image.fetch.blocked_address', 'the address is not public');
  expect(await deliver(id, () => Promise.reject(blocked))).toMatchObject({ state: 'refused' });
  expect(await webhookOf(id)).toMatchObject({ state: 'failed', attempts: 1, error: 'the address is not public' });
});

test('a receiver without an address is asked again', async () => {
  const id = await endedBatch();
  const unknown = new ServiceError('image.fetch.unknown_host', 'the host does not exist');
  await expect(deliver(id, () => Promise.reject(unknown))).rejects.toThrow('does not exist');
  expect(await webhookOf(id)).toMatchObject({ state: 'pending', attempts: 1 });
});

test('a receiver is asked again when it says, within an hour and a number of attempts', async () => {
  const id = await endedBatch();
  const busy = (retryAfterMs: number) => answers({ status: 429, retryAfterMs });
  expect(await deliver(id, busy(7_000))).toEqual({ state: 'later', inMs: 7_000 });
  expect(await deliver(id, busy(86_400_000))).toEqual({ state: 'later', inMs: 3_600_000 });
  expect(await webhookOf(id)).toMatchObject({ state: 'pending', attempts: 2, error: '429 from hook.example.org' });
  for (let attempt = 3; attempt < 10; attempt++) await deliver(id, busy(0));
  await expect(deliver(id, busy(0))).rejects.toThrow('429');
  expect(await webhookOf(id)).toMatchObject({ state: 'failed', attempts: 10 });
});

test('the webhook of a stopped batch comes with its last chunk in flight, and its counts are final', async () => {
  const id = await engine.post(8, { options: { webhookUrl: url } });
  await engine.chunks.pick(engine.job(id, 0), 'compact');
  await engine.batches.cancel(tenant, id);
  const queue = engine.queues.all().find(({ name }) => name === webhookQueueName);
  expect(await queue?.getJobState(id)).toBe('unknown');
  await engine.commit(id, 0, succeeded(0, 4));
  expect(await queue?.getJobState(id)).toBe('waiting');
  let sent = '';
  await deliver(id, async (_url, body) => {
    sent = body;
    return { status: 200 };
  });
  const { items } = await engine.batches.status(tenant, id);
  expect(JSON.parse(sent)).toMatchObject({ type: 'batch.cancelled', data: { items } });
  expect(items).toMatchObject({ succeeded: 4, cancelled: 4 });
});
