import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import type { Problem } from '../../../shared/contracts/problem.ts';
import { createClient } from '../../../testing/client.ts';
import { photoNames } from '../../../testing/images/host.ts';
import { startProcess } from '../../../testing/processes/service.ts';
import { until } from '../../../testing/until.ts';
import { useService } from '../../support/running-service.ts';

const running = useService({ FETCH_TIMEOUT_MS: '120000' });

test('without Redis singles are answered and batches get 503; when it is back the running batch completes', async () => {
  // The images that are held keep the batch running until Redis is away.
  const items = Array.from({ length: 150 }, (_, index) => ({
    image: running.host.url(`${index < 100 ? '' : 'held/'}${photoNames[index % 6]}?${index}`),
    text: 'a photo',
  }));
  const { body } = await running.client.batch.post(items);
  await running.client.batch.until(body.id, ({ items: { succeeded } }) => succeeded > 40);

  await running.redis.kill();
  running.host.release();
  const single = await running.client.single({ image: running.host.url('coffee.jpg'), text: 'a cup of coffee' });
  expect(single.status).toBe(200);
  for (const answer of [
    await running.client.batch.post<Problem>(items.slice(0, 3)),
    await running.client.problem(`/v1/evaluation/batch/${body.id}`),
  ]) {
    expect(answer.status).toBe(503);
    expect(answer.body).toMatchObject({ code: 'queue.unavailable' });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  }
  expect((await running.client.health()).body).toMatchObject({ status: 'degraded', redis: { status: 'down' } });
  expect((await running.client.call('/health/ready')).status).toBe(200);

  await running.redis.start();
  const status = await running.client.batch.finished(body.id);
  expect(status).toMatchObject({ state: 'completed', items: { succeeded: 150, pending: 0 } });
  const results = await running.client.batch.results(body.id);
  expect(new Set(results.map(({ index }) => index)).size).toBe(150);
  expect(results).toHaveLength(150);
});

test('a service that starts before its Redis scores singles, and takes batches once Redis is there', async () => {
  await running.redis.kill();
  const early = await startProcess('service', {
    REDIS_URL: running.redis.url,
    IMAGE_HOSTS_ALLOW: running.host.authority,
    LOG_LEVEL: 'error',
  });
  try {
    const another = createClient(early.url);
    expect((await another.single({ image: running.host.url('coffee.jpg'), text: 'coffee' })).status).toBe(200);
    await running.redis.start();
    const posted = await until(async () => {
      const answer = await another.batch.post([{ image: running.host.url('coffee.jpg'), text: 'coffee' }]);
      return answer.status !== 503 && answer;
    });
    expect(await another.batch.finished(posted.body.id)).toMatchObject({ state: 'completed' });
  } finally {
    await early.stop();
  }
});

test('a service stops in good order while Redis is away, and with a request that never arrives whole', async () => {
  const { port } = new URL(running.service.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(
    'POST /evaluator/v1/evaluation/single HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{',
  );
  await running.redis.kill();
  // 1 would say that the drain ran out of time.
  expect(await running.service.stop()).toBe(0);
  await running.redis.start();
});
