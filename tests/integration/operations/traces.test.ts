import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { Receipt } from '../../../shared/contracts/item.ts';
import type { Problem } from '../../../shared/contracts/problem.ts';
import { type Client, createClient } from '../../../testing/client.ts';
import { type ImageHost, photoNames, startImageHost } from '../../../testing/images/host.ts';
import { startProcess, type TestProcess } from '../../../testing/processes/service.ts';
import { startRedis, type TestRedis } from '../../../testing/redis/single.ts';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../../support/otlp-receiver.ts';

let redis: TestRedis;
let host: ImageHost;
let collector: OtlpReceiver;
let api: TestProcess;
let worker: TestProcess;
let client: Client;

beforeAll(async () => {
  [redis, host, collector] = await Promise.all([startRedis(), startImageHost(), startOtlpReceiver()]);
  const env = {
    REDIS_URL: redis.url,
    IMAGE_HOSTS_ALLOW: host.authority,
    ENCODERS: '1',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_BSP_SCHEDULE_DELAY: '100',
  };
  [api, worker] = await Promise.all([startProcess('api', env), startProcess('worker', env)]);
  client = createClient(api.url);
});
afterAll(async () => {
  await Promise.all([api.stop(), worker.stop()]);
  await Promise.all([redis.remove(), host.close(), collector.close()]);
});

const spansOf = (traceId: string) => collector.spans.filter((span) => span.traceId === traceId);
const named = (spans: readonly ReceivedSpan[], name: string) => spans.filter((span) => span.name === name);
const logLines = (process: TestProcess) =>
  process
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test('a single request is one trace with fetch, decode and inference, and its id is in receipt and log', async () => {
  const { body, headers } = await client.single<{ receipt: Receipt }>({
    image: host.url('coffee.jpg'),
    text: 'a cup of coffee',
  });
  const { traceId = '' } = body.receipt;
  await collector.until(() => named(spansOf(traceId), 'POST /v1/evaluation/single').length > 0);
  const spans = spansOf(traceId);
  const [request] = named(spans, 'POST /v1/evaluation/single');
  for (const stage of ['fetch', 'decode', 'inference']) {
    const [span] = named(spans, stage);
    expect(span?.parentSpanId, stage).toBe(request?.spanId);
    expect(span?.end, stage).toBeLessThanOrEqual((request?.end ?? 0) + 2);
  }
  const line = logLines(api).find((logged) => logged['requestId'] === headers.get('x-request-id'));
  expect(line).toMatchObject({ msg: 'request', traceId, status: 200 });
});

test('a request continues the trace of its sender; its failure is an event and in the problem document', async () => {
  const sent = '0af7651916cd43dd8448eb211c80319c';
  const { body } = await client.call<Problem>('/v1/evaluation/single', {
    method: 'POST',
    headers: { 'content-type': 'application/json', traceparent: `00-${sent}-b7ad6b7169203331-01` },
    body: JSON.stringify({ image: host.url('missing.jpg'), text: 'nothing' }),
  });
  expect(body).toMatchObject({ code: 'image.fetch.http_status', traceId: sent });
  await collector.until(() => named(spansOf(sent), 'POST /v1/evaluation/single').length > 0);
  const [request] = named(spansOf(sent), 'POST /v1/evaluation/single');
  expect(request?.parentSpanId).toBe('b7ad6b7169203331');
  expect(request?.events).toContainEqual({ name: 'problem', attributes: { 'vls.code': 'image.fetch.http_status' } });
});

test('a batch is one connected trace over two processes, from its post to its last commit', async () => {
  // The first chunks have four items.
  const photos = ['missing.jpg', ...photoNames];
  const { body } = await client.batch.post<BatchStatus>(
    photos.map((name, at) => ({ image: host.url(name), text: `photo ${at}` })),
  );
  const { traceId } = await client.batch.finished(body.id);
  expect(traceId).toMatch(/^[0-9a-f]{32}$/);
  const chunks = () => named(spansOf(traceId ?? ''), 'chunk');
  await collector.until(
    () => chunks().length === 2 && named(spansOf(traceId ?? ''), 'POST /v1/evaluation/batch').length === 1,
  );
  const spans = spansOf(traceId ?? '');
  expect(new Set(spans.map(({ service }) => service))).toEqual(new Set(['vls-api', 'vls-worker']));

  const [post] = named(spans, 'POST /v1/evaluation/batch');
  expect(named(spans, 'intake')[0]?.parentSpanId).toBe(post?.spanId);
  for (const chunk of chunks()) {
    expect(chunk).toMatchObject({ service: 'vls-worker', parentSpanId: post?.spanId });
    expect(chunk.attributes).toMatchObject({ 'vls.batch': body.id, 'vls.verdict': 'committed' });
    const stages = spans.filter(({ parentSpanId }) => parentSpanId === chunk.spanId).map(({ name }) => name);
    expect(stages).toEqual(expect.arrayContaining(['pick', 'fetch', 'decode', 'inference', 'commit']));
  }
  const failed = chunks().flatMap(({ events }) => events);
  expect(failed).toHaveLength(1);
  expect(failed[0]).toMatchObject({
    name: 'item failed',
    attributes: { 'vls.code': 'image.fetch.http_status', 'vls.message': `404 from ${host.authority}: not found` },
  });
  // Every span but the first has its parent in the trace.
  const ids = new Set(spans.map(({ spanId }) => spanId));
  expect(spans.filter(({ parentSpanId }) => !ids.has(parentSpanId))).toEqual([post]);

  const lines = logLines(worker).filter(({ msg, batchId }) => msg === 'chunk' && batchId === body.id);
  expect(lines).toHaveLength(2);
  for (const line of lines) expect(line).toMatchObject({ traceId, verdict: 'committed' });
});

test('beyond its first 256 chunks a long batch gives each chunk a trace of its own, linked to that of the post', async () => {
  const items = 32 * 4 + 226 * 64;
  const lines = Array.from({ length: items }, () => '{"image":"data:,","text":""}').join('\n');
  const { body } = await client.call<BatchStatus>('/v1/evaluation/batch', {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: lines,
  });
  const { traceId } = await client.batch.finished(body.id);
  const own = () => named(collector.spans, 'chunk').filter(({ attributes }) => attributes['vls.batch'] === body.id);
  await collector.until(() => own().length === 258);
  const [post] = named(spansOf(traceId ?? ''), 'POST /v1/evaluation/batch');
  const apart = own().filter((span) => span.traceId !== traceId);
  expect(apart.map(({ attributes }) => Number(attributes['vls.chunk'])).sort()).toEqual([256, 257]);
  for (const span of apart) {
    expect(span.parentSpanId).toBe('');
    expect(span.links).toMatchObject([{ traceId, spanId: post?.spanId }]);
  }
});

test('what its sender does not sample is not kept, in the worker either', async () => {
  const sent = 'ffffffffffffffffffffffffffffffff';
  const { body } = await client.call<BatchStatus>('/v1/evaluation/batch', {
    method: 'POST',
    headers: { 'content-type': 'application/json', traceparent: `00-${sent}-b7ad6b7169203331-00` },
    body: JSON.stringify({ items: [{ image: host.url('coffee.jpg'), text: 'coffee' }] }),
  });
  expect(body.traceId).toBeNull();
  await client.batch.finished(body.id);
  // A batch that is sampled, posted after it, has arrived: so would have what came before.
  const { body: next } = await client.batch.post<BatchStatus>([{ image: host.url('coffee.jpg'), text: 'coffee' }]);
  await collector.until((spans) => spans.some(({ attributes }) => attributes['vls.batch'] === next.id));
  await collector.until(() => named(spansOf(next.traceId ?? ''), 'chunk').length === 1);
  expect(collector.spans.filter(({ attributes }) => attributes['vls.batch'] === body.id)).toEqual([]);
  expect(spansOf(sent)).toEqual([]);
});

test('probes and scrapes leave no traces', () => {
  expect(collector.spans.filter(({ name }) => /health|metrics/.test(name))).toEqual([]);
});
