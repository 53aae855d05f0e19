import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, type TestContext, test } from 'vitest';
import { formats } from '../../../shared/formats.ts';
import { findPython } from '../../support/python.ts';
import { useService } from '../../support/running-service.ts';

/** The clients that people have in Python, as they are published: what they stumble over is a fault of the service. */
const running = useService();
const run = promisify(execFile);
const images = (...names: string[]) => names.map((name) => running.host.url(name));

/** The interpreter with these modules; skips the test that asks, with the reason, where there is none. */
function python({ skip }: TestContext, ...modules: string[]): string {
  const { path, reason } = findPython(modules);
  if (path !== undefined) return path;
  console.warn(`Skipped: ${reason}`);
  return skip(reason);
}

async function drive(interpreter: string, script: string, args: string[]): Promise<Record<string, unknown>> {
  const file = fileURLToPath(new URL(`python/${script}.py`, import.meta.url));
  const { stdout } = await run(interpreter, [file, ...args], { env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' } });
  return JSON.parse(stdout);
}

test("the client of OpenAI lists models, embeds texts and images, and shows the service's own messages", async (context) => {
  const interpreter = python(context, 'openai');
  expect(await drive(interpreter, 'openai_sdk', [running.service.url, ...images('coffee.jpg')])).toEqual({
    models: ['compact-1'],
    retrieved: 'compact-1',
    counts: [384, 384, 384, 384],
    same: true,
    tokens: 8,
    request_id: true,
    refusals: [
      ['BadRequestError', 'model.unknown', expect.stringMatching(/^Error code: 400 - .*nobody/)],
      ['BadRequestError', 'request.invalid', expect.stringMatching(/expected a string.*1 to 2048/)],
      ['BadRequestError', 'request.invalid', expect.stringMatching(/compact-1 has 384 dimensions/)],
      ['BadRequestError', 'request.invalid', expect.stringMatching(/1 to 2048/)],
    ],
  });
});

test('the client of OpenAI runs a batch from a file, and reads its outputs and errors', async (context) => {
  const interpreter = python(context, 'openai');
  expect(await drive(interpreter, 'openai_batches', [running.service.url, ...images('coffee.jpg')])).toEqual({
    models: [['compact-1', 'model']],
    listed: true,
    content: true,
    counts: [4, 3, 1],
    metadata: { project: 'cats' },
    batches: true,
    output: [
      ['line-0', 1],
      ['line-1', 2],
      ['line-2', 1],
    ],
    errors: [['line-3', 'item.invalid']],
    deleted: true,
    refusals: [
      ['NotFoundError', 'file.not_found'],
      ['NotFoundError', 'batch.not_found'],
      ['BadRequestError', 'request.invalid'],
      ['NotFoundError', 'route.not_found'],
    ],
  });
});

test('httpx posts a batch, follows its events and reads its results', async (context) => {
  const interpreter = python(context, 'httpx');
  const sent = images('coffee.jpg', 'rocket.jpg', 'missing.jpg');
  expect(await drive(interpreter, 'httpx_batch', [running.service.url, ...sent])).toEqual({
    posted: 202,
    last: 'end',
    state: 'completed_with_errors',
    json: 3,
    jsonl: sent,
    csv: 4,
    streamed: ['succeeded', 'succeeded', 'failed'],
    uploaded: [200, 3],
  });
});

test('pandas, pyarrow and DuckDB read what pandas has posted', async (context) => {
  const interpreter = python(context, 'pandas', 'pyarrow', 'duckdb', 'httpx');
  const sent = images('coffee.jpg', 'rocket.jpg', 'chelsea.jpg', 'alpine.jpg');
  const rows = [0, 1, 2, 3].map((row) => `row ${row}`);
  expect(await drive(interpreter, 'frames', [running.service.url, ...sent])).toEqual({
    'pandas csv': [4, true, true],
    'pandas ndjson': Array(4).fill('succeeded'),
    'pandas page': 4,
    'pyarrow csv': true,
    'pyarrow ndjson': rows,
    'pyarrow parquet': true,
    'duckdb parquet': [4, true, 4],
    'duckdb csv': [4, 4],
    'duckdb ndjson': [4, true],
  });
});

test('a client made by openapi-python-client drives batches and reads every kind of result', async (context) => {
  const interpreter = python(context, 'openapi_python_client', 'httpx', 'attrs');
  const directory = await mkdtemp(join(tmpdir(), 'vls-generated-'));
  try {
    const { body: document } = await running.client.call<object>('/openapi.json');
    await writeFile(join(directory, 'openapi.json'), JSON.stringify(document));
    // The hooks of its default configuration format the code with a tool that may not be installed.
    await writeFile(join(directory, 'config.yml'), 'post_hooks: []\nproject_name_override: generated\n');
    const generate = 'generate --path openapi.json --output-path generated --meta none --config config.yml';
    const words = ['-m', 'openapi_python_client', ...generate.split(' ')];
    const { stdout, stderr } = await run(interpreter, words, { cwd: directory });
    const warnings = [...`${stdout}${stderr}`.matchAll(/^(Unsupported .*|Unable to .*|Cannot .*)$/gm)].map(
      ([all]) => all,
    );
    // A generated client posts JSON and forms; no generator sends streams, and versions differ in what they warn of.
    const streamed = formats.filter(({ name }) => name !== 'json').map(({ mediaTypes: [type] }) => type);
    const isOther = (warning: string) => ![...streamed, 'application/x-npy'].some((type) => warning.includes(type));
    expect(warnings.filter(isOther)).toEqual([]);
    const sent = images('coffee.jpg', 'missing.jpg');
    expect(await drive(interpreter, 'generated', [directory, running.service.url, ...sent])).toEqual({
      same: true,
      kinds: ['SucceededItem', 'FailedItem'],
      scored: true,
      metadata: { split: 'train' },
      error: 'image.fetch.http_status',
      uploaded: 2,
      single: ['SingleScores', 2],
      refused: ['Problem', 'batch.not_found'],
      listed: expect.any(Number),
    });
  } finally {
    await rm(directory, { recursive: true });
  }
});
