import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import OpenAI, { toFile } from 'openai';
import { expect, onTestFinished, test } from 'vitest';
import { until } from '../../../testing/until.ts';
import { readGuide } from '../../support/guides.ts';
import { useService } from '../../support/running-service.ts';

/** The official client of OpenAI at the root of the service, as it is published. */
const running = useService();
const root = fileURLToPath(new URL('../../../', import.meta.url));
const openAi = () => new OpenAI({ baseURL: `${running.service.url}/v1`, apiKey: 'none', maxRetries: 0 });
/** vLLM's API for scores has no client of its own. */
const score = (body: object) =>
  openAi().post<{ data: { index: number; object: string; score: number }[]; model: string }>('/score', { body });
const failureOf = (asked: PromiseLike<unknown>) =>
  asked.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );

test('models have the shape of OpenAI at the root, and more below the prefix', async () => {
  const models = [];
  for await (const model of openAi().models.list()) models.push(model);
  expect(models).toEqual([{ id: 'compact-1', object: 'model', created: 0, owned_by: expect.any(String) }]);
  expect((await openAi().models.retrieve('compact')).id).toBe('compact-1');
  const response = await fetch(`${running.service.url}/v1/models`);
  expect(Object.keys((await response.json()) as object)).toEqual(['object', 'data']);
  const { body } = await running.client.call<{ models: object[] }>('/v1/models');
  expect(body.models[0]).toMatchObject({ model: 'compact-1', state: 'loaded' });
});

test('2,048 inputs are embedded in one request, and one more is refused with the limit', async () => {
  const input = Array.from({ length: 2_048 }, (_, at) => `a cat with ${at % 8} toys`);
  const { data, usage } = await openAi().embeddings.create({ model: 'compact', input, dimensions: 384 });
  expect(data.length).toBe(2_048);
  expect(data[9]?.embedding).toEqual(data[1]?.embedding);
  expect(data[9]?.embedding).not.toEqual(data[2]?.embedding);
  expect(usage.total_tokens).toBeGreaterThan(2_048);
  const refused = await failureOf(openAi().embeddings.create({ model: 'compact', input: [...input, 'a dog'] }));
  expect(refused).toMatchObject({ status: 400, code: 'request.invalid', message: expect.stringMatching(/2048/) });
});

test.each<[what: string, path: string, body: object | undefined, status: number, code: string, param: string | null]>([
  ['an unknown path', '/chat/completions', {}, 404, 'route.not_found', null],
  ['a method that the path does not support', '/score', undefined, 405, 'route.method_not_allowed', null],
  ['tokens in place of texts', '/embeddings', { input: [[320, 2368]] }, 400, 'request.invalid', 'input'],
  ['an unknown model', '/score', { model: 'nobody', text_1: 'a', text_2: 'b' }, 400, 'model.unknown', null],
  ['one side of pairs', '/score', { queries: 'a cat' }, 400, 'request.invalid', 'queries'],
  ['items without end', '/score', { queries: 'a', items: Array(100_000).fill(1) }, 400, 'request.invalid', 'items'],
  [
    'parts without end',
    '/score',
    { queries: 'a', documents: { content: Array(100_000).fill(1) } },
    400,
    'request.invalid',
    'documents.content',
  ],
  ['sides that cannot be paired', '/score', { text_1: ['a', 'b'], text_2: 'c' }, 400, 'request.invalid', 'text_1'],
])('%s gets the error object of OpenAI', async (_what, path, body, status, code, param) => {
  const error = await failureOf(body === undefined ? openAi().get(path) : openAi().post(path, { body }));
  expect(error).toBeInstanceOf(OpenAI.APIError);
  expect(error).toMatchObject({ status, code, param, type: 'invalid_request_error', requestID: expect.any(String) });
});

test('scores of vLLM are the cosines of image and text, two texts, and two images', async () => {
  const [coffee, rocket] = ['coffee.jpg', 'rocket.jpg'].map((name) => running.host.url(name));
  const imageOf = (url = '') => ({ type: 'image_url', image_url: { url } });
  const single = await running.client.single({ image: coffee, text: 'a cup of coffee' });
  const mixed = await score({ text_1: 'a cup of coffee', text_2: { content: [imageOf(coffee), imageOf(rocket)] } });
  expect(mixed.data.map(({ index, object }) => [index, object])).toEqual([
    [0, 'score'],
    [1, 'score'],
  ]);
  expect(mixed.data[0]?.score).toBe(single.body.cosine);
  expect(mixed.data[1]?.score).toBeLessThan(single.body.cosine);
  const texts = await score({ queries: ['a cat', 'a cat'], documents: ['a cat', 'a rocket'] });
  expect(texts.data[0]?.score).toBeCloseTo(1, 5);
  expect(texts.data[1]?.score).toBeLessThan(0.95);
  const images = await score({
    data_1: { image: coffee },
    data_2: [{ image: coffee }, { content: [imageOf(rocket)] }],
  });
  expect(images.data[0]?.score).toBeCloseTo(1, 5);
  expect(images.data[1]?.score).toBeLessThan(0.95);
  expect(images.model).toBe('compact-1');
});

interface OutputLine {
  custom_id: string;
  response: { status_code: number; body: Record<string, unknown> };
  error: null;
}

const uploaded = async (lines: readonly object[]) => {
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');
  return await openAi().files.create({ file: await toFile(Buffer.from(text), 'lines.jsonl'), purpose: 'batch' });
};
const lineOf = (custom_id: string, url: string, body: object) => ({ custom_id, method: 'POST', url, body });
const ended = (id: string) =>
  until(
    async () => {
      const batch = await openAi().batches.retrieve(id);
      return ['completed', 'failed', 'cancelled'].includes(batch.status) && batch;
    },
    { everyMs: 50, withinMs: 600_000 },
  );
const linesOf = async (file: string | null | undefined): Promise<OutputLine[]> => {
  const text = await (await openAi().files.content(file ?? '')).text();
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
};

test('a file is stored, listed, read back and deleted', async () => {
  const file = await uploaded([{ any: 'lines' }, { more: 1 }]);
  expect(file).toMatchObject({ object: 'file', bytes: 26, filename: 'lines.jsonl', purpose: 'batch' });
  expect(await openAi().files.retrieve(file.id)).toEqual(file);
  expect(await (await openAi().files.content(file.id)).text()).toBe('{"any":"lines"}\n{"more":1}');
  const listed = [];
  for await (const { id } of openAi().files.list({ limit: 1 })) listed.push(id);
  expect(listed).toContain(file.id);
  expect(await openAi().files.delete(file.id)).toEqual({ id: file.id, object: 'file', deleted: true });
  expect(await failureOf(openAi().files.retrieve(file.id))).toMatchObject({ status: 404, code: 'file.not_found' });
  const other = openAi().files.create({ file: await toFile(Buffer.from('{}'), 'a.jsonl'), purpose: 'fine-tune' });
  expect(await failureOf(other)).toMatchObject({ status: 400, code: 'request.invalid', param: 'purpose' });
});

test('a batch of embeddings gives each line what the request alone gives, and bad lines fail alone', async () => {
  const url = '/v1/embeddings';
  const image = running.host.url('coffee.jpg');
  const file = await uploaded([
    lineOf('texts', url, { model: 'compact', input: ['a cat', 'a dog'] }),
    lineOf('image', url, { model: 'compact', input: { image }, encoding_format: 'base64' }),
    lineOf('lost', url, { model: 'compact', input: { image: running.host.url('missing.jpg') } }),
    lineOf('tokens', url, { model: 'compact', input: [320, 2368] }),
    lineOf('other model', url, { model: 'clip', input: 'a cat' }),
    lineOf('other path', '/v1/score', { model: 'compact', input: 'a cat' }),
    'no JSON' as unknown as object,
  ]);
  const metadata = { project: 'cats' };
  const posted = await openAi().batches.create({
    input_file_id: file.id,
    endpoint: url,
    completion_window: '24h',
    metadata,
  });
  expect(posted).toMatchObject({ object: 'batch', endpoint: url, input_file_id: file.id, metadata });
  const batch = await ended(posted.id);
  expect(batch).toMatchObject({ status: 'completed', request_counts: { total: 7, completed: 2, failed: 5 } });
  const output = await linesOf(batch.output_file_id);
  expect(output.map(({ custom_id }) => custom_id)).toEqual(['texts', 'image']);
  const alone = await openAi().embeddings.create({
    model: 'compact',
    input: ['a cat', 'a dog'],
    encoding_format: 'float',
  });
  const [texts, imageResult] = output.map(({ response }) => response.body as unknown as typeof alone);
  expect(texts).toMatchObject({ object: 'list', model: 'compact-1', usage: alone.usage });
  const asFloats = (values: number[] = []) => [...new Float32Array(values)];
  expect(texts?.data.map(({ embedding }) => asFloats(embedding))).toEqual(
    alone.data.map(({ embedding }) => asFloats(embedding)),
  );
  expect(Buffer.from(String(imageResult?.data[0]?.embedding), 'base64').length).toBe(4 * 384);
  const errors = await linesOf(batch.error_file_id);
  expect(
    errors.map(({ custom_id, response }) => [
      custom_id,
      response.status_code,
      (response.body['error'] as { code: string }).code,
    ]),
  ).toEqual([
    ['lost', 422, 'image.fetch.http_status'],
    ['tokens', 422, 'item.invalid'],
    ['other model', 422, 'item.invalid'],
    ['other path', 422, 'item.invalid'],
    [null, 422, 'item.invalid'],
  ]);
  const described = await openAi().files.retrieve(batch.output_file_id ?? '');
  const content = await (await openAi().files.content(described.id)).arrayBuffer();
  expect(described).toMatchObject({ bytes: content.byteLength, purpose: 'batch_output' });
});

test('a batch of scores has those of the requests, and batches are listed and cancelled', async () => {
  const url = '/v1/score';
  const body = { text_1: 'a cup of coffee', text_2: [{ image: running.host.url('coffee.jpg') }, 'a cup of tea'] };
  const file = await uploaded([lineOf('first', url, body)]);
  const endpoint = url as '/v1/embeddings';
  const create = () => openAi().batches.create({ input_file_id: file.id, endpoint, completion_window: '24h' });
  const posted = [await create(), await create()];
  const [batch] = await Promise.all(posted.map(({ id }) => ended(id)));
  const [line] = await linesOf(batch?.output_file_id);
  const scored = line?.response.body as unknown as Awaited<ReturnType<typeof score>>;
  expect(scored.data).toEqual((await score(body)).data);
  const listed = [];
  for await (const { id } of openAi().batches.list({ limit: 1 })) listed.push(id);
  expect(listed.slice(0, 2)).toEqual([posted[1]?.id, posted[0]?.id]);
  // A batch that has ended does not change.
  expect(await openAi().batches.cancel(posted[0]?.id ?? '')).toMatchObject({ status: 'completed' });
  expect(await failureOf(openAi().batches.retrieve('batch_none'))).toMatchObject({
    status: 404,
    code: 'batch.not_found',
  });
  // With a key, a batch is created once.
  const keyed = { headers: { 'Idempotency-Key': 'scores-1' } };
  const request = { input_file_id: file.id, endpoint, completion_window: '24h' as const };
  const [first, second] = [
    await openAi().batches.create(request, keyed),
    await openAi().batches.create(request, keyed),
  ];
  expect(second.id).toBe(first.id);
  const other = openAi().batches.create({ ...request, metadata: { other: 'yes' } }, keyed);
  expect(await failureOf(other)).toMatchObject({ status: 422, code: 'idempotency.mismatch' });
  // The native interface shows the same batch.
  const native = await running.client.batch.results(String(posted[0]?.id).replace('batch_', ''));
  expect(native).toMatchObject([{ id: 'first', status: 'answered', response: { object: 'list' } }]);
});

test('the run of docs/from-openai-batches.md prints what the page shows', async () => {
  const page = readGuide('docs/from-openai-batches.md');
  const [script = ''] = [...page.matchAll(/^```js\n(.*?)^```$/gms)].map(([, block]) => block);
  const [shown = ''] = [...page.matchAll(/^```text\n(.*?)^```$/gms)].map(([, block]) => block);
  const directory = await mkdtemp(join(tmpdir(), 'vls-openai-page-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  await symlink(join(root, 'node_modules'), join(directory, 'node_modules'));
  const here = script
    .replaceAll('http://127.0.0.1:8000', running.service.url)
    .replaceAll('localhost:9000', running.host.authority);
  await writeFile(join(directory, 'run.mjs'), here);
  const { stdout } = await promisify(execFile)(process.execPath, ['run.mjs'], { cwd: directory });
  expect(stdout).toBe(shown);
});
