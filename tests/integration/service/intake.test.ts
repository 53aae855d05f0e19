import { request as httpRequest } from 'node:http';
import { gzipSync } from 'node:zlib';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import type { BatchStatus, BatchWithResults } from '../../../shared/contracts/batch/status.ts';
import { liveBatches } from '../../../shared/redis/keys.ts';
import { captions, photoNames } from '../../../testing/images/host.ts';
import { until } from '../../../testing/until.ts';
import { useService } from '../../support/running-service.ts';

const running = useService();

type Body = NonNullable<RequestInit['body']>;
const batch = '/v1/evaluation/batch';
const ndjson = 'application/x-ndjson';
const send = <Sent = BatchStatus>(body: Body, type: string, path = batch, headers: Record<string, string> = {}) =>
  running.client.call<Sent>(path, { method: 'POST', body, headers: { 'content-type': type, ...headers } });
const codeOf = (body: unknown) => (body as { code?: string }).code;

const pairs = () =>
  photoNames.map((name) => ({
    id: name,
    image: running.host.url(name),
    text: captions[name] ?? '',
    metadata: { split: 'train' },
  }));
const asNdjson = () =>
  pairs()
    .map((pair) => `${JSON.stringify(pair)}\n`)
    .join('');
const asCsv = () =>
  `split,id,text,image\n${pairs()
    .map(({ id, image, text }) => `train,${id},"${text}",${image}`)
    .join('\n')}\n`;

const forms: [what: string, body: () => Body, type: string][] = [
  ['NDJSON', asNdjson, ndjson],
  ['NDJSON without a last line break', () => asNdjson().trimEnd(), ndjson],
  ['NDJSON with empty lines and carriage returns', () => asNdjson().replaceAll('\n', '\r\n\r\n'), ndjson],
  ['gzip NDJSON', () => new Uint8Array(gzipSync(asNdjson())), ndjson],
  ['CSV', asCsv, 'text/csv'],
  ['CSV with a byte order mark', () => `\uFEFF${asCsv()}`, 'text/csv; charset=utf-8'],
  ['gzip CSV', () => new Uint8Array(gzipSync(asCsv())), 'text/csv'],
];

test.for(forms)(
  '%s is stored as it comes, with the ids and further columns of its sender',
  async ([_what, body, type]) => {
    const { status, body: posted } = await send(body(), type);
    expect(status).toBe(202);
    expect(await running.client.batch.finished(posted.id)).toMatchObject({
      state: 'completed',
      items: { total: 6, succeeded: 6 },
    });
    const results = await running.client.batch.results(posted.id);
    const byIndex = results.toSorted((a, b) => a.index - b.index);
    expect(byIndex.map(({ id, metadata }) => ({ id, metadata }))).toEqual(
      pairs().map(({ id }) => ({ id, metadata: { split: 'train' } })),
    );
  },
);

test.for([
  ['pairs.csv', asCsv],
  ['pairs.ndjson', asNdjson],
  ['pairs.jsonl.gz', () => new Uint8Array(gzipSync(asNdjson()))],
] as const)('an upload of %s is read by its name', async ([name, body]) => {
  const form = new FormData();
  form.append('file', new Blob([body()]), name);
  const { status, body: posted } = await running.client.call<BatchStatus>(batch, { method: 'POST', body: form });
  expect(status).toBe(202);
  expect(await running.client.batch.finished(posted.id)).toMatchObject({ state: 'completed', items: { total: 6 } });
});

test('CSV columns of other names are chosen in the query, and a tab may separate them', async () => {
  const body = `caption\turl\n${pairs()
    .map(({ image, text }) => `${text}\t${image}`)
    .join('\n')}`;
  const { body: posted } = await send(body, 'text/csv', `${batch}?image=url&text=caption&delimiter=%09`);
  expect(await running.client.batch.finished(posted.id)).toMatchObject({ state: 'completed', items: { total: 6 } });
  const csv = await running.client.call<string>(`${batch}/${posted.id}/results`, { headers: { accept: 'text/csv' } });
  expect(csv.body.split('\n')[0]).toBe('index,caption,url,status,score,cosine,error_code,error_message,warnings');
});

test('a malformed line is a failed item that names its line, and the others are evaluated', async () => {
  const lines = [JSON.stringify(pairs()[0]), '{"image": ', '', '[1]', JSON.stringify({ ...pairs()[1], colour: 'red' })];
  const { body } = await send(lines.join('\n'), ndjson);
  expect(await running.client.batch.finished(body.id)).toMatchObject({
    items: { succeeded: 1, failed: 3 },
    failures: { 'item.invalid': 3 },
  });
  const failed = (await running.client.batch.results(body.id, '&status=failed')).toSorted((a, b) => a.index - b.index);
  expect(failed.map((result) => result.status === 'failed' && result.error.message.split(':')[0])).toEqual([
    'line 2',
    'line 4',
    'line 5 has the unknown field "colour"; an item has image, text, id and metadata, and other data belongs in metadata',
  ]);
  expect(failed[2]).toMatchObject({ id: pairs()[1]?.id, metadata: { split: 'train' } });
});

test('a CSV row with too many or too few columns is a failed item that names its line', async () => {
  const body = `image,text\n${running.host.url('coffee.jpg')},coffee\n${running.host.url('coffee.jpg')},a,b\n${running.host.url('coffee.jpg')}\n`;
  const { body: posted } = await send(body, 'text/csv');
  expect(await running.client.batch.finished(posted.id)).toMatchObject({ items: { succeeded: 1, failed: 2 } });
  const failed = await running.client.batch.results(posted.id, '&status=failed');
  expect(failed.map((result) => result.status === 'failed' && result.error.message)).toEqual([
    'line 3 has 3 columns, the header has 2; these values have no column: "b"',
    'line 4 has 1 column, the header has 2',
  ]);
});

test.for([
  ['NDJSON', '{"image": "x", "text": "y"}\nnonsense\n', ndjson, 'line 2'],
  ['CSV', 'image,text\nx,y,z\n', 'text/csv', 'line 2'],
] as const)('strict=true refuses %s with a bad line, and stores nothing', async ([_form, body, type, where]) => {
  const before = (await running.client.call<{ batches: unknown[] }>(batch)).body.batches.length;
  const answer = await send<{ code: string; errors: { path: string }[] }>(body, type, `${batch}?strict=true`);
  expect(answer.status).toBe(400);
  expect(answer.body).toMatchObject({ code: 'request.invalid', errors: [{ path: where }] });
  expect((await running.client.call<{ batches: unknown[] }>(batch)).body.batches).toHaveLength(before);
});

test.for([
  ['CSV without a text column', 'image,caption\nx,y\n', 'text/csv', 400, 'request.invalid'],
  ['an empty stream', '', ndjson, 422, 'batch.empty'],
  ['CSV with a header alone', 'image,text\n', 'text/csv', 422, 'batch.empty'],
  [
    'gzip that ends too early',
    new Uint8Array(gzipSync('{"image":"x","text":"y"}\n'.repeat(500)).subarray(0, 60)),
    ndjson,
    400,
    'request.invalid',
  ],
  ['an unknown profile', '{"image":"x","text":"y"}', ndjson, 400, 'model.unknown'],
] as const)('%s is refused', async ([what, body, type, status, code]) => {
  const answer = await send(body, type, what.includes('profile') ? `${batch}?model=best` : batch);
  expect(codeOf(answer.body)).toBe(code);
  expect(answer.status).toBe(status);
});

test('a webhook without a secret to sign it, and an upload without a file, are refused', async () => {
  const answer = await running.client.post(batch, { items: pairs(), webhook: { url: 'https://example.org/hook' } });
  expect(codeOf(answer.body)).toBe('request.invalid');
  const form = new FormData();
  form.append('model', 'compact');
  expect(codeOf((await running.client.call(batch, { method: 'POST', body: form })).body)).toBe('request.invalid');
});

test('a connection that is cut in the middle leaves no half batch', async () => {
  const direct = new Redis(running.redis.url);
  const before = await direct.zcard(liveBatches(direct));
  const request = httpRequest(`${running.service.url}/evaluator${batch}`, {
    method: 'POST',
    headers: { 'content-type': ndjson },
  });
  request.on('error', () => {});
  for (let index = 0; index < 400; index++)
    request.write(`${JSON.stringify({ image: running.host.url('coffee.jpg'), text: `${index}` })}\n`);
  await until(async () => (await direct.zcard(liveBatches(direct))) !== before);
  request.destroy();
  await until(async () => (await direct.keys('vls:*:lease')).length === 0);
  const { body } = await running.client.call<{ batches: BatchStatus[] }>(batch);
  expect(body.batches.every(({ items }) => items.total < 400)).toBe(true);
  direct.disconnect();
});

test('the same Idempotency-Key with the same body leads to the same batch, however it is packed', async () => {
  const headers = { 'idempotency-key': 'key-1' };
  const first = await send(asNdjson(), ndjson, batch, headers);
  const second = await send(new Uint8Array(gzipSync(asNdjson())), ndjson, batch, headers);
  expect(second.status).toBe(202);
  expect(second.body.id).toBe(first.body.id);
  const json = { items: pairs() };
  const post = () =>
    running.client.call<BatchStatus>(batch, {
      method: 'POST',
      body: JSON.stringify(json),
      headers: { 'content-type': 'application/json', 'idempotency-key': 'key-json' },
    });
  expect((await post()).body.id).toBe((await post()).body.id);
});

test('the same Idempotency-Key with another body is refused', async () => {
  const headers = { 'idempotency-key': 'key-2' };
  await send(asNdjson(), ndjson, batch, headers);
  const other = await send(`${asNdjson()}\n${JSON.stringify(pairs()[0])}`, ndjson, batch, headers);
  expect(other.status).toBe(422);
  expect(codeOf(other.body)).toBe('idempotency.mismatch');
});

test('the same Idempotency-Key with other options in the query is refused, and defaults count as left out', async () => {
  const headers = { 'idempotency-key': 'key-query' };
  const first = await send(asNdjson(), ndjson, `${batch}?priority=5`, headers);
  const same = await send(asNdjson(), ndjson, `${batch}?longText=truncate&priority=5&strict=false`, headers);
  expect([same.status, same.body.id]).toEqual([202, first.body.id]);
  for (const query of ['', '?priority=6', '?priority=5&strict=true', '?priority=5&failureBudgetCount=1']) {
    const other = await send(asNdjson(), ndjson, batch + query, headers);
    expect([query, other.status, codeOf(other.body)]).toEqual([query, 422, 'idempotency.mismatch']);
  }
});

test('the same Idempotency-Key while the first request is still arriving is 409, and free again when that came to nothing', async () => {
  const headers = { 'idempotency-key': 'key-3' };
  const direct = new Redis(running.redis.url);
  const request = httpRequest(`${running.service.url}/evaluator${batch}`, {
    method: 'POST',
    headers: { 'content-type': ndjson, ...headers },
  });
  request.on('error', () => {});
  request.write(`${JSON.stringify(pairs()[0])}\n`);
  await until(async () => (await direct.keys('vls:*:lease')).length > 0);
  const meanwhile = await send(asNdjson(), ndjson, batch, headers);
  expect(meanwhile.status).toBe(409);
  expect(codeOf(meanwhile.body)).toBe('idempotency.in_flight');
  request.destroy();
  await until(async () => expect((await send(asNdjson(), ndjson, batch, headers)).status).toBe(202));
  direct.disconnect();
});

test('Prefer: wait answers with the results in the order of the items', async () => {
  const answer = await send<BatchWithResults>(asNdjson(), ndjson, batch, { prefer: 'wait=30' });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('preference-applied')).toBe('wait=30');
  expect(answer.body).toMatchObject({ state: 'completed' });
  expect(answer.body.results.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5]);
});

test('Prefer: wait that is over first answers 202 with the status', async () => {
  running.host.latencyMs = 2_000;
  const answer = await send(asNdjson(), ndjson, batch, { prefer: 'respond-async, wait=1' });
  running.host.latencyMs = 0;
  expect(answer.status).toBe(202);
  expect(answer.body.finishedAt).toBeNull();
  await running.client.batch.finished(answer.body.id);
});

test('NDJSON and CSV give the whole batch in index order, with the columns it came with', async () => {
  const rows = [
    `=1+1,${running.host.url('coffee.jpg')},"a cup, of ""coffee"""`,
    `-2,${running.host.url('missing.jpg')},nothing`,
    `c,${running.host.url('rocket.jpg')},a rocket`,
  ];
  const { body } = await send(`score,image,text\n${rows.join('\n')}`, 'text/csv');
  await running.client.batch.finished(body.id);
  const results = `${batch}/${body.id}/results`;
  const lines = await running.client.call<string>(results, { headers: { accept: ndjson } });
  expect(lines.headers.get('content-type')).toMatch(/x-ndjson/);
  const parsed = lines.body
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { index: number; status: string });
  expect(parsed.map(({ index, status }) => [index, status])).toEqual([
    [0, 'succeeded'],
    [1, 'failed'],
    [2, 'succeeded'],
  ]);

  const csv = (await running.client.call<string>(results, { headers: { accept: 'text/csv' } })).body.trim().split('\n');
  expect(csv[0]).toBe('index,score,image,text,status,vls_score,cosine,error_code,error_message,warnings');
  // A formula is disarmed, the caller's own column of the same name is kept.
  expect(csv[1]).toMatch(/^0,'=1\+1,http:\/\/[^,]+\/coffee\.jpg,"a cup, of ""coffee""",succeeded,\d/);
  expect(csv[2]).toMatch(/^1,-2,http:\/\/[^,]+\/missing\.jpg,nothing,failed,,,image\.fetch\.http_status,404 from /);
  const kept = await running.client.call<string>(`${results}?formulas=keep&status=succeeded`, {
    headers: { accept: 'text/csv' },
  });
  expect(kept.body.trim().split('\n')[1]).toMatch(/^0,=1\+1,/);
  expect(kept.body.trim().split('\n')).toHaveLength(3);
});
