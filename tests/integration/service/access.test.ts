import { beforeAll, describe, expect, test } from 'vitest';
import type { Judgement, SampleCounts } from '../../../shared/contracts/batch/judgement.ts';
import type { BatchList } from '../../../shared/contracts/batch/list.ts';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { Problem } from '../../../shared/contracts/problem.ts';
import { type Client, createClient } from '../../../testing/client.ts';
import { readPhoto } from '../../../testing/images/host.ts';
import { bearer, createKeyFile } from '../../../testing/key-file.ts';
import { until } from '../../../testing/until.ts';
import { useService } from '../../support/running-service.ts';

const keys = createKeyFile();
const ours = keys.add('ours');
const alsoOurs = keys.add('ours');
const theirs = keys.add('theirs');
const operator = keys.add('staff', { role: 'operator' });
const metricsToken = 'prometheus-reads-with-this';

const running = useService({ API_KEYS_FILE: keys.path, METRICS_TOKEN: metricsToken, LOG_LEVEL: 'trace' });
const as = (key: string): Client => createClient(running.service.url, bearer(key));
const unknownBatch = '4b3c0e0e-0000-4000-8000-000000000000';

interface Operation {
  method: string;
  path: string;
}

/** Every operation of the OpenAPI document. */
async function operations(): Promise<Operation[]> {
  const { body } = await as(ours).call<{ paths: Record<string, Record<string, unknown>> }>('/openapi.json');
  return Object.entries(body.paths).flatMap(([path, methods]) =>
    // The client's addresses begin with the prefix; other interfaces lie next to it.
    Object.keys(methods).map((method) => ({
      method: method.toUpperCase(),
      path: path.startsWith('/evaluator') ? path.replace('/evaluator', '') : `/..${path}`,
    })),
  );
}

const coffee = () => ({ image: readPhoto('coffee.jpg').toString('base64'), text: 'a cup of coffee' });

test.each(['/v1/evaluation/batch', '/v1/models', '/health', '/metrics', '/queues/api/queues'])(
  'what %s tells one caller no proxy may give to another',
  async (path) => {
    const answer = await as(operator).call(path);
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'private, no-cache']);
  },
);

test('the queues are shown to operators alone: their counts are the work of others', async () => {
  const [tenants, operators] = await Promise.all([as(ours).health(), as(operator).health()]);
  expect([tenants.status, operators.status]).toEqual([200, 200]);
  expect(tenants.body.queues).toBeNull();
  expect(operators.body.queues?.length).toBeGreaterThan(0);
});

describe('without a key', () => {
  test('every route of the OpenAPI document but probes and sign-in answers 401, and says how to send a key', async () => {
    const open = ['/health/live', '/health/ready', '/session'];
    const asked = (await operations()).filter(({ path }) => !open.includes(path));
    expect(asked.length).toBeGreaterThan(14);
    for (const { method, path } of asked) {
      const answer = await running.client.problem(path.replace('{id}', unknownBatch), { method });
      expect([method, path, answer.status, answer.body.code]).toEqual([method, path, 401, 'access.key_missing']);
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
    }
  });

  test.each([
    '/',
    '/docs/',
    '/docs/start.js',
    '/openapi.json',
    '/queues/',
    '/queues/api/queues',
    '/nowhere',
    '/health',
  ])('%s answers 401', async (path) => {
    expect((await running.client.call(path)).status).toBe(401);
  });

  test('the probes of an orchestrator are answered', async () => {
    expect((await running.client.call('/health/live')).status).toBe(200);
    expect((await running.client.call('/health/ready')).status).toBe(200);
  });
});

describe('a key', () => {
  test('is taken as a bearer token and as X-API-Key', async () => {
    expect((await as(ours).single(coffee())).status).toBe(200);
    const other = createClient(running.service.url, { 'x-api-key': ours });
    expect((await other.single(coffee())).status).toBe(200);
  });

  test.each([
    ['with another secret', () => ours.replace(/.{8}$/, 'AAAAAAAA')],
    ['with an unknown id', () => ours.replace(/^vls_.{12}/, 'vls_000000000000')],
    ['in another form', () => 'secret'],
    ['that is the metrics token', () => metricsToken],
    ['as its hash', () => `vls_${ours.split('_')[1]}_${'0'.repeat(64)}`],
  ])('%s is refused', async (_what, wrong) => {
    const { status, body } = await as(wrong()).problem('/v1/models');
    expect([status, body.code]).toEqual([401, 'access.key_invalid']);
  });

  test('that is added is taken without a restart, and refused once it is removed', async () => {
    const key = keys.add('late');
    expect((await as(key).call('/v1/models')).status).toBe(200);
    keys.remove(key);
    await until(async () => (await as(key).call('/v1/models')).status !== 200);
    expect((await as(ours).call('/v1/models')).status).toBe(200);
  });
});

describe('tenants', () => {
  let id: string;
  let fileId: string;
  let requestBatch: { id: string; output_file_id: string | null };
  /** Returns an id as the service's own API has it. */
  const bare = (given: string) => given.replace(/^(?:batch_|file-)/, '');
  /** Ids of the kind that a path takes: one that another tenant has, and one that nobody has. */
  const idsFor = (path: string) => {
    if (path.startsWith('/../v1/files')) return [fileId, `file-${unknownBatch}`] as const;
    return path.startsWith('/../v1/batches')
      ? ([requestBatch.id, `batch_${unknownBatch}`] as const)
      : ([id, unknownBatch] as const);
  };
  /** Valid bodies by method and end of the path, so that nothing but the id is refused. */
  const bodies: Record<string, object> = {
    'PATCH {id}': { name: 'theirs' },
    'PUT judgement': { edges: [], indexes: [0] },
    'PATCH judgement': { sample: 'a', labels: [{ index: 0, label: 'right' }] },
  };
  beforeAll(async () => {
    const form = new FormData();
    const line = { custom_id: 'a', method: 'POST', url: '/v1/embeddings', body: { input: 'a cat' } };
    form.append('purpose', 'batch');
    form.append('file', new Blob([JSON.stringify(line)]), 'lines.jsonl');
    const stored = await as(ours).call<{ id: string }>('/../v1/files', { method: 'POST', body: form });
    fileId = stored.body.id;
    const request = { input_file_id: fileId, endpoint: '/v1/embeddings', completion_window: '24h' };
    const created = (await as(ours).post<typeof requestBatch>('/../v1/batches', request)).body;
    requestBatch = await until(async () => {
      const { body } = await as(ours).call<typeof requestBatch>(`/../v1/batches/${created.id}`);
      return body.output_file_id !== null && body;
    });
    const posted = await as(ours).batch.post([coffee(), { image: running.host.url('missing.jpg'), text: 'x' }]);
    expect(posted.status).toBe(202);
    id = posted.body.id;
    await as(ours).batch.finished(id);
  });

  test('get 404 for the batches and files of others, on every route of the OpenAPI document that takes an id', async () => {
    const asked = (await operations()).filter(({ path }) => path.includes('{id}'));
    expect(asked.length).toBeGreaterThanOrEqual(7);
    for (const { method, path } of asked) {
      for (const accept of ['application/json', 'text/csv', 'application/x-ndjson', 'text/event-stream']) {
        const [known, nobodys] = idsFor(path);
        const body = bodies[`${method.toUpperCase()} ${path.split('/').at(-1)}`];
        const headers = { accept, ...(body !== undefined && { 'content-type': 'application/json' }) };
        const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
        const query = path.endsWith('/comparison') ? `?other=${unknownBatch}` : '';
        const answer = await as(theirs).problem(path.replace('{id}', known).replace('{index}', '0') + query, init);
        // Results have no event stream, whoever asks for it.
        const isRefused = path.endsWith('/results') && accept === 'text/event-stream';
        const kind = path.startsWith('/../v1/files') ? 'file' : 'batch';
        const refusal = isRefused ? [406, 'request.not_acceptable'] : [404, `${kind}.not_found`];
        expect([method, path, accept, answer.status, answer.body.code]).toEqual([method, path, accept, ...refusal]);
        // Not to be told from one that never was.
        const unknown = await as(theirs).problem(path.replace('{id}', nobodys).replace('{index}', '0') + query, init);
        expect(unknown.body).toEqual({
          ...JSON.parse(JSON.stringify(answer.body).replaceAll(bare(known), bare(nobodys))),
          requestId: unknown.body.requestId,
        });
      }
    }
    const mine = (await as(theirs).batch.post([coffee()])).body.id;
    for (const query of [`comparison?other=${id}`, `results?other=${id}`]) {
      const compared = await as(theirs).problem(`/v1/evaluation/batch/${mine}/${query}`);
      expect([compared.status, compared.body.code]).toEqual([404, 'batch.not_found']);
    }
    await as(theirs).call(`/v1/evaluation/batch/${mine}`, { method: 'DELETE' });
    expect((await as(ours).batch.status(id)).body).toMatchObject({ state: 'completed_with_errors', name: null });
    for (const file of [fileId, requestBatch.output_file_id]) {
      const path = `/../v1/files/${file}/content`;
      const [own, other] = [await as(ours).call(path), await as(theirs).problem(path)];
      expect([own.status, other.status, other.body.code]).toEqual([200, 404, 'file.not_found']);
    }
    const foreign = { input_file_id: fileId, endpoint: '/v1/embeddings', completion_window: '24h' };
    expect((await as(theirs).post('/../v1/batches', foreign)).status).toBe(404);
    for (const path of ['/../v1/files', '/../v1/batches']) {
      expect((await as(theirs).call<{ data: unknown[] }>(path)).body.data).toEqual([]);
    }
  });

  test('judge a sample together, with any of their keys, and an operator reads its labels', async () => {
    const path = `/v1/evaluation/batch/${id}/judgement`;
    const send = <Body>(key: string, method: string, body: object) =>
      as(key).call<Body>(path, {
        method,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const { body: started } = await send<SampleCounts>(ours, 'PUT', { edges: [0], indexes: [0] });
    expect(started).toMatchObject({ right: 0, wrong: 0, open: 1 });
    const labels = [{ index: 0, label: 'right' }];
    const set = await send(alsoOurs, 'PATCH', { sample: started.sample, labels });
    expect([set.status, set.body]).toEqual([200, { sample: started.sample, right: 1, wrong: 0, open: 0 }]);
    for (const key of [ours, operator]) {
      const { body } = await as(key).call<Judgement>(path);
      expect(body).toMatchObject({ sample: started.sample, edges: [0], pairs: [{ index: 0, label: 'right' }] });
    }
    const late = await send<Problem>(ours, 'PATCH', { sample: 'another', labels });
    expect([late.status, late.body.code]).toEqual([409, 'batch.other_sample']);
    expect((await as(alsoOurs).call(`${path}?sample=${started.sample}`, { method: 'DELETE' })).status).toBe(204);
    expect((await as(ours).call<Judgement>(path)).body).toEqual({ sample: null, edges: [], pairs: [] });
  });

  test('list their own batches alone, with any of their keys', async () => {
    const list = async (key: string) => (await as(key).call<BatchList>('/v1/evaluation/batch')).body.batches;
    expect((await list(alsoOurs)).map((batch) => batch.id)).toEqual([id, bare(requestBatch.id)]);
    expect(await list(theirs)).toEqual([]);
    const other = await as(theirs).problem('/v1/evaluation/batch?tenant=ours');
    expect([other.status, other.body.code]).toEqual([403, 'access.operator_only']);
  });

  test('have idempotency keys of their own', async () => {
    const post = (key: string) =>
      as(key).call<BatchStatus>('/v1/evaluation/batch', {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': 'the same' },
        body: JSON.stringify({ items: [coffee()] }),
      });
    const [first, second, again] = [await post(ours), await post(theirs), await post(alsoOurs)];
    expect(second.body.id).not.toBe(first.body.id);
    expect(again.body.id).toBe(first.body.id);
    expect(second.body.tenant).toBe('theirs');
  });

  test('an operator reads, lists and retries the batches of everybody, and a retry stays its tenant’s', async () => {
    expect((await as(operator).batch.results(id)).length).toBe(2);
    const all = await as(operator).call<BatchList>('/v1/evaluation/batch?tenant=*&limit=200');
    expect(new Set(all.body.batches.map(({ tenant }) => tenant))).toEqual(new Set(['ours', 'theirs']));
    const one = await as(operator).call<BatchList>('/v1/evaluation/batch?tenant=ours');
    expect(one.body.batches.map((batch) => batch.id)).toContain(id);
    const retried = await as(operator).call<BatchStatus>(`/v1/evaluation/batch/${id}/retry`, { method: 'POST' });
    expect(retried.body.tenant).toBe('ours');
    expect((await as(ours).batch.status(retried.body.id)).status).toBe(200);
  });
});

describe('operators alone', () => {
  test.each(['/metrics', '/queues/', '/queues/api/queues'])('see %s', async (path) => {
    const refused = await as(ours).problem(path);
    expect([refused.status, refused.body.code]).toEqual([403, 'access.operator_only']);
    expect((await as(operator).call(path)).status).toBe(200);
  });

  test('and Prometheus see the metrics, and its token opens nothing else', async () => {
    expect((await as(metricsToken).call('/metrics')).status).toBe(200);
    // 429 where wrong keys of other tests have come from this address before.
    expect([401, 429]).toContain((await as(metricsToken).call('/queues/')).status);
  });
});

test('wrong keys are throttled by address, and a right one is let in all the same', async () => {
  const wrong = as(ours.replace(/.{8}$/, 'BBBBBBBB'));
  let answer = await wrong.problem('/v1/models');
  for (let tries = 0; answer.status === 401 && tries < 100; tries++) answer = await wrong.problem('/v1/models');
  expect([answer.status, answer.body.code]).toEqual([429, 'access.throttled']);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await as(ours).call('/v1/models')).status).toBe(200);
});

test('no key, no token and no cookie has reached the log', async () => {
  await running.client.call('/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ key: ours }),
  });
  await running.client.call(`/v1/models?key=${ours}`, { headers: { cookie: `vls_session=${'c'.repeat(43)}` } });
  const log = running.service.output();
  expect(log).toContain('"tenant":"ours"');
  for (const key of [ours, alsoOurs, theirs, operator]) expect(log).not.toContain(key.split('_').slice(2).join('_'));
  expect(log).not.toContain(metricsToken);
  expect(log).not.toContain('c'.repeat(43));
});
