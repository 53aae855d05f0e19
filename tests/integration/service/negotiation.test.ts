import { request } from 'node:http';
import { beforeAll, expect, test } from 'vitest';
import type { ResultsPage } from '../../../shared/contracts/batch/results.ts';
import type { BatchStatus, BatchWithResults } from '../../../shared/contracts/batch/status.ts';
import { useService } from '../../support/running-service.ts';

const running = useService();
const batch = '/v1/evaluation/batch';
const pairs = () =>
  ['coffee.jpg', 'rocket.jpg'].map((name) => ({ id: name, image: running.host.url(name), text: 'a cup of coffee' }));
const asNdjson = () =>
  pairs()
    .map((pair) => `${JSON.stringify(pair)}\n`)
    .join('');

let results: string;
beforeAll(async () => {
  const { body } = await running.client.batch.post(pairs());
  await running.client.batch.finished(body.id);
  results = `${batch}/${body.id}/results`;
});

const ndjson = /^\{"index":0,.+\}\n\{"index":1,.+\}\n$/;
const csv = /^index,id,.+\n0,coffee\.jpg,/;
test.for<[accept: string, type: string, body: RegExp | undefined]>([
  ['application/x-ndjson', 'application/x-ndjson', ndjson],
  ['application/ndjson', 'application/ndjson', ndjson],
  ['application/jsonl', 'application/jsonl', ndjson],
  ['application/JSONL; charset=utf-8', 'application/jsonl', ndjson],
  ['application/json; charset=utf-8', 'application/json', undefined],
  ['application/json;indent=2;q=0.1, text/csv; header=present; q=0.9', 'text/csv', csv],
  ['application/x-jsonlines', 'application/x-jsonlines', ndjson],
  ['text/x-ndjson, */*;q=0.1', 'text/x-ndjson', ndjson],
  ['text/csv', 'text/csv', csv],
  ['application/csv', 'application/csv', csv],
  ['text/*', 'text/x-ndjson', ndjson],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'application/json', undefined],
  ['application/json;q=0.5, text/csv', 'text/csv', csv],
  ['application/problem+json, application/json', 'application/json', undefined],
])('results for Accept: %s come as %s', async ([accept, type, body]) => {
  const answer = await running.client.call<string | ResultsPage>(results, { headers: { accept } });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')?.split(';')[0]).toBe(type);
  expect(answer.headers.get('vary')).toContain('Accept');
  if (body !== undefined) expect(answer.body).toMatch(body);
  else expect((answer.body as ResultsPage).results).toHaveLength(2);
});

test.each(['', '?formulas=escape', '?formulas=keep&limit=1000'])(
  'a page of results is answered with %s',
  async (query) => {
    const { status, body } = await running.client.call<ResultsPage>(results + query);
    expect(status).toBe(200);
    expect(body.results).toHaveLength(2);
  },
);

test.each(
  ['/', '//'].flatMap((end) => ['batch', 'Batch', 'BATCH'].map((name) => `/v1/evaluation/${name}${end.slice(1)}`)),
)('NDJSON of any length may be posted to %s', async (path) => {
  // A body of JSON may have 32 MiB, and blank lines 16 MiB in a row.
  const padding = `${' '.repeat(1024)}\n`.repeat(12 * 1024);
  const { status, body } = await running.client.call<BatchStatus>(path, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: (padding + asNdjson()).repeat(3),
  });
  expect(status).toBe(202);
  expect(body.items.total).toBe(6);
});

test.each(['wait="30"', 'wait = 30', 'respond-async, Wait=30; x="a, b"'])('Prefer: %s is read', async (prefer) => {
  const headers = { 'content-type': 'application/x-ndjson', prefer };
  const answer = await running.client.call<BatchWithResults>(batch, { method: 'POST', headers, body: asNdjson() });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('preference-applied')).toBe('wait=30');
  expect(answer.body.results).toHaveLength(2);
});

test('Prefer may stand in several headers', async () => {
  const sent = request(`${running.service.url}/evaluator${batch}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson', prefer: ['return=representation', 'wait=30'] },
  });
  const status = new Promise((resolve) => sent.on('response', (response) => resolve(response.resume().statusCode)));
  sent.end(asNdjson());
  expect(await status).toBe(200);
});

test('every block of the events carries data, and the first one says when to come back', async () => {
  const answer = await fetch(`${running.service.url}/evaluator${results.replace('results', 'events')}`);
  const blocks = (await answer.text()).split('\n\n').filter((block) => block !== '');
  expect(blocks.length).toBeGreaterThan(0);
  for (const block of blocks) expect(block).toMatch(/^id: .+\nevent: \w+\ndata: \{.+\}$/m);
  expect(blocks[0]).toMatch(/^retry: \d+\nid: /);
});
