import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { EventSource } from 'eventsource';
import OpenAI from 'openai';
import { expect, test } from 'vitest';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import { useService } from '../../support/running-service.ts';

/** The clients that people have in Node.js, as they are published: what they stumble over is a fault of the service. */
const running = useService();
const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../', import.meta.url));
const openAi = (maxRetries = 0) =>
  new OpenAI({ baseURL: `${running.service.url}/evaluator/v1`, apiKey: 'none', maxRetries });

test('the client of OpenAI lists models and embeds texts and images', async () => {
  const models = [];
  for await (const { id } of openAi().models.list()) models.push(id);
  expect(models).toEqual(['compact-1']);
  expect((await openAi().models.retrieve('compact')).id).toBe('compact-1');
  // It asks for base64 by itself, and decodes it.
  const packed = await openAi().embeddings.create({ model: 'compact', input: ['a cat', 'a dog'] });
  const plain = await openAi().embeddings.create({ model: 'compact', input: 'a cat', encoding_format: 'float' });
  expect(packed.data.map(({ embedding }) => embedding.length)).toEqual([384, 384]);
  expect(packed.data[0]?.embedding).toEqual(plain.data[0]?.embedding);
  const input = [{ image: running.host.url('coffee.jpg') }] as unknown as string[];
  const imageResult = await openAi().embeddings.create({ model: 'compact', input, dimensions: 384 });
  const length = Math.hypot(...(imageResult.data[0]?.embedding ?? []));
  expect(length).toBeCloseTo(1, 5);
});

test.each<[what: string, request: object, status: number, code: string, message: RegExp]>([
  ['an unknown model', { model: 'nobody' }, 400, 'model.unknown', /nobody/],
  ['tokens for texts', { input: [320, 2368] }, 400, 'request.invalid', /expected a string.*token ids/],
  ['another number of dimensions', { dimensions: 3 }, 400, 'request.invalid', /384 dimensions/],
  [
    'an image that is not there',
    { input: [{ image: 'http://10.0.0.1/a.jpg' }] },
    422,
    'image.fetch.blocked_address',
    /./,
  ],
])('the client of OpenAI shows why %s is refused', async (_what, request, status, code, message) => {
  const asked = openAi().embeddings.create({ model: 'compact', input: 'a cat', ...request });
  const error = await asked.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(OpenAI.APIError);
  expect(error).toMatchObject({ status, code, message: expect.stringMatching(message) });
});

test('eventsource follows a batch to its end, and an event is never empty', async () => {
  const items = ['coffee.jpg', 'missing.jpg'].map((name) => ({ image: running.host.url(name), text: 'coffee' }));
  const { body } = await running.client.batch.post(items);
  const source = new EventSource(`${running.service.url}${body.links.events}`);
  const seen: string[] = [];
  source.onmessage = ({ data }) => seen.push(`message ${data}`);
  for (const kind of ['state', 'progress', 'failure', 'reset']) {
    source.addEventListener(kind, ({ data }) => seen.push(typeof JSON.parse(data)));
  }
  const last = await new Promise<BatchStatus>((resolve) =>
    source.addEventListener('end', ({ data }) => resolve(JSON.parse(data))),
  );
  expect(last).toMatchObject({ state: 'completed_with_errors', items: { succeeded: 1, failed: 1 } });
  expect(new Set(seen)).toEqual(new Set(['object']));
  // It comes back by itself with the id of the last event, and 204 ends it.
  const ended = new Promise<number | undefined>((resolve) => {
    source.onerror = ({ code }) => source.readyState === source.CLOSED && resolve(code);
  });
  expect(await ended).toBe(204);
});

test('types made by openapi-typescript tell the kinds of result apart, and a client drives a batch with them', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'vls-typed-'));
  try {
    const { body: document } = await running.client.call<object>('/openapi.json');
    await writeFile(join(directory, 'openapi.json'), JSON.stringify(document));
    await symlink(join(root, 'node_modules'), join(directory, 'node_modules'));
    await cp(join(root, 'tests/integration/clients/fixtures/typed.ts.txt'), join(directory, 'typed.ts'));
    await writeFile(join(directory, 'package.json'), '{"type": "module"}');
    const settings = { extends: join(root, 'tsconfig.json'), compilerOptions: { noEmit: true }, include: ['typed.ts'] };
    await writeFile(join(directory, 'tsconfig.json'), JSON.stringify(settings));
    const options = { cwd: directory };
    const generator = join(root, 'node_modules/openapi-typescript/bin/cli.js');
    const hook = new URL('../../support/typescript-5.js', import.meta.url).href;
    await run(process.execPath, ['--import', hook, generator, 'openapi.json', '--output', 'api.d.ts'], options);
    await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'], options);
    const images = ['coffee.jpg', 'missing.jpg'].map((name) => running.host.url(name));
    const { stdout } = await run(process.execPath, ['typed.ts', running.service.url, ...images], options);
    expect(JSON.parse(stdout)).toEqual({
      outcomes: ['scored', 'image.fetch.http_status'],
      refused: 'batch.not_found',
    });
  } finally {
    await rm(directory, { recursive: true });
  }
});
