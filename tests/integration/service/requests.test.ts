import { expect, test } from 'vitest';
import { prefix } from '../../../shared/contracts/paths.ts';
import { readPhoto } from '../../../testing/images/host.ts';
import { until } from '../../../testing/until.ts';
import { useService } from '../../support/running-service.ts';

const running = useService();

const json = { 'content-type': 'application/json' };
const post = (body: string, headers: Record<string, string> = json) => ({ method: 'POST', headers, body });
const single = '/v1/evaluation/single';
const batch = '/v1/evaluation/batch';
const coffee = () => readPhoto('coffee.jpg').toString('base64');

const refused: [what: string, path: string, init: () => RequestInit, status: number, code: string][] = [
  ['malformed JSON', single, () => post('{"image": '), 400, 'request.malformed_json'],
  ['a body that is no object', single, () => post('[]'), 400, 'request.invalid'],
  ['no body at all', single, () => post(''), 400, 'request.invalid'],
  [
    'an unknown field',
    single,
    () => post(JSON.stringify({ image: coffee(), text: 'x', texts: [] })),
    400,
    'request.invalid',
  ],
  ['a missing field', single, () => post(JSON.stringify({ image: coffee() })), 400, 'request.invalid'],
  ['a wrong type', single, () => post(JSON.stringify({ image: coffee(), text: 3 })), 400, 'request.invalid'],
  ['an empty list of texts', single, () => post(JSON.stringify({ image: coffee(), text: [] })), 400, 'request.invalid'],
  [
    'an unknown profile',
    single,
    () => post(JSON.stringify({ image: coffee(), text: 'x', model: 'best' })),
    400,
    'model.unknown',
  ],
  [
    'a profile whose model is not pulled',
    single,
    () => post(JSON.stringify({ image: coffee(), text: 'x', model: 'fast' })),
    503,
    'model.unavailable',
  ],
  ['the traffic of a profile with one model', '/v1/traffic/compact', () => ({}), 404, 'traffic.not_shared'],
  ['a decision that there is not', '/v1/traffic/compact/applaud', () => ({ method: 'POST' }), 400, 'request.invalid'],
  ['an empty text', single, () => post(JSON.stringify({ image: coffee(), text: '  ' })), 422, 'text.empty'],
  [
    'a text of a megabyte',
    single,
    () => post(JSON.stringify({ image: coffee(), text: 'a'.repeat(1e6) })),
    422,
    'text.too_long',
  ],
  [
    'an image that is no image',
    single,
    () => post(JSON.stringify({ image: 'aGVsbG8=', text: 'x' })),
    422,
    'image.unsupported_format',
  ],
  [
    'a path without an image ending',
    single,
    () => post(JSON.stringify({ image: 'photos/set', text: 'x' })),
    422,
    'image.source_invalid',
  ],
  [
    'an image that is not base64',
    single,
    () => post(JSON.stringify({ image: '§§§', text: 'x' })),
    422,
    'image.source_invalid',
  ],
  [
    'an ftp address',
    single,
    () => post(JSON.stringify({ image: 'ftp://example.org/x.jpg', text: 'x' })),
    422,
    'image.source_invalid',
  ],
  [
    'a private address',
    single,
    () => post(JSON.stringify({ image: 'http://10.0.0.1/x.jpg', text: 'x' })),
    422,
    'image.fetch.blocked_address',
  ],
  [
    'an image the host does not have',
    single,
    () => post(JSON.stringify({ image: running.host.url('missing.jpg'), text: 'x' })),
    422,
    'image.fetch.http_status',
  ],
  [
    'an image by TLS from a host without it',
    single,
    () => post(JSON.stringify({ image: running.host.url('coffee.jpg').replace('http', 'https'), text: 'x' })),
    422,
    'image.fetch.tls',
  ],
  [
    'a form instead of JSON',
    single,
    () => post('image=x', { 'content-type': 'application/x-www-form-urlencoded' }),
    415,
    'request.unsupported_media_type',
  ],
  [
    'a document of JSON:API',
    single,
    () => post('{"image": "x", "text": "x"}', { 'content-type': 'application/vnd.api+json' }),
    415,
    'request.unsupported_media_type',
  ],
  [
    'a batch as JSON-LD',
    batch,
    () => post('{"items": [{}]}', { 'content-type': 'application/ld+json' }),
    415,
    'request.unsupported_media_type',
  ],
  [
    'results in formats that nothing here writes',
    `${batch}/4b3c0e0e-0000-4000-8000-000000000000/results`,
    () => ({ headers: { accept: 'application/vnd.apache.arrow.stream, application/xml;q=0.5' } }),
    406,
    'request.not_acceptable',
  ],
  [
    'a page of results in a form without pages',
    `${batch}/4b3c0e0e-0000-4000-8000-000000000000/results?limit=10`,
    () => ({ headers: { accept: 'application/jsonl' } }),
    400,
    'request.invalid',
  ],
  [
    'results without a score in a second batch that is not named',
    `${batch}/4b3c0e0e-0000-4000-8000-000000000000/results?otherScored=false`,
    () => ({}),
    400,
    'request.invalid',
  ],
  [
    'results without a score in a second batch that have a score there',
    `${batch}/4b3c0e0e-0000-4000-8000-000000000000/results?other=b&otherScored=false&otherMinScore=3`,
    () => ({}),
    400,
    'request.invalid',
  ],
  [
    'events with an unknown parameter',
    `${batch}/4b3c0e0e-0000-4000-8000-000000000000/events?from=3`,
    () => ({}),
    400,
    'request.invalid',
  ],
  [
    'JSON in an unknown encoding',
    single,
    () => post('{}', { ...json, 'content-encoding': 'compress' }),
    415,
    'request.unsupported_media_type',
  ],
  [
    'an upload without a boundary',
    single,
    () => post('x', { 'content-type': 'multipart/form-data' }),
    400,
    'request.invalid',
  ],
  [
    'an upload that breaks off',
    single,
    () =>
      post('--b\r\nContent-Disposition: form-data; name="text"\r\n\r\nhalf', {
        'content-type': 'multipart/form-data; boundary=b',
      }),
    400,
    'request.invalid',
  ],
  ['a batch without items', batch, () => post('{"items": []}'), 422, 'batch.empty'],
  ['items that are no list', batch, () => post('{"items": {}}'), 400, 'request.invalid'],
  [
    'an unknown field beside the items',
    batch,
    () => post('{"items": [{}], "modell": "compact"}'),
    400,
    'request.invalid',
  ],
  ['a batch for an unknown profile', batch, () => post('{"items": [{}], "model": "best"}'), 400, 'model.unknown'],
  ['an unknown query parameter', `${batch}?stict=true`, () => post('{"items": [{}]}'), 400, 'request.invalid'],
  ['a JSON body of 50 MB', batch, () => post(`{"items": ["${'a'.repeat(50_000_000)}"]}`), 413, 'request.too_large'],
  ['an unknown batch', `${batch}/4b3c0e0e-0000-4000-8000-000000000000`, () => ({}), 404, 'batch.not_found'],
  ['results of an unknown batch', `${batch}/nonsense/results`, () => ({}), 404, 'batch.not_found'],
  ['an image of an unknown batch', `${batch}/nonsense/images/0`, () => ({}), 404, 'batch.not_found'],
  ['an image without an index', `${batch}/nonsense/images/first`, () => ({}), 400, 'request.invalid'],
  ['the judged sample of an unknown batch', `${batch}/nonsense/judgement`, () => ({}), 404, 'batch.not_found'],
  [
    'a judged sample without pairs',
    `${batch}/nonsense/judgement`,
    () => ({ method: 'PUT', headers: json, body: '{"edges": [], "indexes": []}' }),
    400,
    'request.invalid',
  ],
  ['a path that cannot be decoded', `${batch}/%E0%A4%A`, () => ({}), 400, 'request.invalid'],
  ['an unknown path', '/v2/evaluation', () => ({}), 404, 'route.not_found'],
  ['a method the path does not answer', single, () => ({ method: 'PUT' }), 405, 'route.method_not_allowed'],
];

test.for(refused)(
  '%s is refused with a problem that carries a stable code',
  async ([_what, path, init, status, code]) => {
    const answer = await running.client.problem(path, init());
    expect(answer.body).toMatchObject({ status, code, requestId: answer.headers.get('x-request-id') });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(answer.body.detail.length).toBeGreaterThan(10);
    expect(answer.headers.has('retry-after')).toBe(status === 503);
  },
);

test('after all of that the service works as before', async () => {
  const { status, body } = await running.client.health();
  expect(status).toBe(200);
  expect(body).toMatchObject({ status: 'ok', models: [{ state: 'ready', encoders: { restarts: 0 } }] });
});

test('the same image scores the same as URL, data URI, base64, object and upload', async () => {
  const text = 'a cup of coffee';
  const bytes = readPhoto('coffee.jpg');
  const base64 = bytes.toString('base64');
  const sources = [
    running.host.url('coffee.jpg'),
    `data:image/jpeg;base64,${base64}`,
    base64,
    { url: running.host.url('coffee.jpg') },
    { base64 },
  ];
  const scores = [];
  for (const image of sources) scores.push((await running.client.single({ image, text })).body.score);
  const form = new FormData();
  form.append('image', new Blob([new Uint8Array(bytes)]), 'coffee.jpg');
  form.append('text', text);
  const upload = await running.client.call<{ score: number }>(single, { method: 'POST', body: form });
  expect(upload.status).toBe(200);
  scores.push(upload.body.score);
  expect(new Set(scores).size).toBe(1);
  expect(scores[0]).toBeGreaterThan(40);
});

test('a list of texts is answered in its order, with a receipt of what scored it', async () => {
  const text = ['a cup of coffee', 'a cat'];
  const { body } = await running.client.single<{
    results: { text: string; score: number }[];
    receipt: object;
    timings: object;
  }>({
    image: running.host.url('coffee.jpg'),
    text,
  });
  expect(body.results.map((result) => result.text)).toEqual(text);
  expect(body.results[0]?.score).toBeGreaterThan(body.results[1]?.score ?? 100);
  expect(body.receipt).toMatchObject({ model: 'compact-1', precision: 'fp32', provider: 'cpu', warnings: [] });
});

test('a thousand different texts are scored at once, without shutting out others', async () => {
  // Short texts, because each token takes the encoder time.
  const text = Array.from({ length: 1_000 }, (_, index) => String(index));
  const [many, one] = await Promise.all([
    running.client.single<{ results: unknown[] }>({ image: running.host.url('coffee.jpg'), text }),
    running.client.single({ image: running.host.url('rocket.jpg'), text: 'a rocket' }),
  ]);
  expect(many.status).toBe(200);
  expect(many.body.results).toHaveLength(1_000);
  expect(one.status).toBe(200);
});

test('a form whose fields are larger together than a JSON body may be is refused', async () => {
  const form = new FormData();
  form.append('image', running.host.url('coffee.jpg'));
  for (let field = 0; field < 40; field++) form.append('text', 'x'.repeat(1024 * 1024));
  const answer = await running.client.problem(single, { method: 'POST', body: form }).catch(() => undefined);
  // The connection may be closed before its sender has read the answer.
  if (answer !== undefined) expect(answer.body.code).toBe('request.too_large');
  expect((await running.client.health()).status).toBe(200);
});

test('a text over the context is cut, with a warning in the receipt', async () => {
  const { body } = await running.client.single({
    image: running.host.url('coffee.jpg'),
    text: 'a cup of coffee '.repeat(100),
  });
  expect(body.receipt.warnings).toEqual([expect.stringContaining('truncated')]);
});

test('a document that has been read already is not sent again', async () => {
  const address = `${running.service.url}${prefix}/openapi.json`;
  const first = await fetch(address);
  const etag = first.headers.get('etag') ?? '';
  expect(etag).toMatch(/^"\S+"$/);
  expect(Number(first.headers.get('content-length'))).toBe((await first.arrayBuffer()).byteLength);
  const second = await fetch(address, { headers: { 'If-None-Match': etag, 'Cache-Control': 'max-age=0' } });
  expect([second.status, second.headers.get('etag')]).toEqual([304, etag]);
});

test('the OpenAPI document describes every call, and Swagger UI comes from local files', async () => {
  const { body } = await running.client.call<{ openapi: string; paths: Record<string, object> }>('/openapi.json');
  expect(body.openapi).toBe('3.1.0');
  expect(Object.keys(body.paths).sort()).toEqual([
    '/evaluator/health',
    '/evaluator/health/live',
    '/evaluator/health/ready',
    '/evaluator/metrics',
    '/evaluator/session',
    '/evaluator/v1/embeddings',
    '/evaluator/v1/evaluation/batch',
    '/evaluator/v1/evaluation/batch/{id}',
    '/evaluator/v1/evaluation/batch/{id}/cancel',
    '/evaluator/v1/evaluation/batch/{id}/comparison',
    '/evaluator/v1/evaluation/batch/{id}/embeddings',
    '/evaluator/v1/evaluation/batch/{id}/events',
    '/evaluator/v1/evaluation/batch/{id}/images/{index}',
    '/evaluator/v1/evaluation/batch/{id}/judgement',
    '/evaluator/v1/evaluation/batch/{id}/rescore',
    '/evaluator/v1/evaluation/batch/{id}/results',
    '/evaluator/v1/evaluation/batch/{id}/retry',
    '/evaluator/v1/evaluation/batch/{id}/summary',
    '/evaluator/v1/evaluation/rank',
    '/evaluator/v1/evaluation/single',
    '/evaluator/v1/models',
    '/evaluator/v1/models/{model}',
    '/evaluator/v1/traffic',
    '/evaluator/v1/traffic/{profile}',
    '/evaluator/v1/traffic/{profile}/{action}',
    '/v1/batches',
    '/v1/batches/{id}',
    '/v1/batches/{id}/cancel',
    '/v1/embeddings',
    '/v1/files',
    '/v1/files/{id}',
    '/v1/files/{id}/content',
    '/v1/models',
    '/v1/models/{model}',
    '/v1/score',
  ]);
  const docs = await running.client.call<string>('/docs/');
  expect(docs.body).not.toMatch(/https?:\/\//);
  for (const [, asset] of docs.body.matchAll(/(?:src|href)="\/evaluator([^"]+)"/g)) {
    expect((await running.client.call(asset ?? '')).status, asset).toBe(200);
  }
});

test('the metrics count requests by route and items by outcome', async () => {
  await running.client.single({ image: running.host.url('missing.jpg'), text: 'x' });
  const { body } = await running.client.call<string>('/metrics');
  expect(body).toMatch(
    /vls_http_request_duration_seconds_count\{method="POST",route="\/v1\/evaluation\/single",status="200"\} \d/,
  );
  expect(body).toMatch(/vls_items_total\{mode="single",outcome="failed",code="image.fetch.http_status"\} \d/);
});

test('Bull Board shows the code of a failed item and nothing that the item holds, and loads nothing from elsewhere', async () => {
  const posted = await running.client.batch.post([{ image: running.host.url('missing.jpg'), text: 'x' }]);
  await running.client.batch.finished(posted.body.id);
  const job = `/queues/api/queues/evaluate-compact/${posted.body.id}-0`;
  const logs = await until(async () => {
    const { body } = await running.client.call<string[]>(`${job}/logs`);
    return body.length > 0 && body;
  });
  expect(logs).toEqual([expect.stringMatching(/item 0: image\.fetch\.http_status$/)]);
  const page = await running.client.call<string>('/queues/');
  expect(page.status).toBe(200);
  expect(page.body).not.toMatch(/(?:src|href)="https?:/);
  expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
});

test('Bull Board shows the queues, and says why some have no workers', async () => {
  interface Shown {
    name: string;
    readOnlyMode: boolean;
    description: string;
  }
  const { body } = await running.client.call<{ queues: Shown[] }>('/queues/api/queues');
  const shown = new Map(body.queues.map((queue) => [queue.name, queue]));
  const description = expect.stringContaining('the files of the model');
  expect(shown.get('evaluate-compact')).toMatchObject({ readOnlyMode: true, description });
  expect(shown.get('intake')?.description).toContain('BATCH_BUCKETS');
  expect(shown.get('webhooks')?.description).toContain('WEBHOOK_SECRET');
});
