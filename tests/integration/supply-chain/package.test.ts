import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startRedis, type TestRedis } from '../../../testing/redis/single.ts';
import { until } from '../../../testing/until.ts';
import { userEnvironment } from '../../support/vls.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../..', import.meta.url));

let folder: string;
let redis: TestRedis;
let packed: { filename: string; size: number; unpackedSize: number; files: { path: string }[] };
/** The reason why npm cannot install the packages that the service needs. */
let missing: string | undefined;

/** The package, built and packed from the sources and installed in an empty folder. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vls-package-'));
  redis = await startRedis();
  // Not into dist/package, which another test may be building.
  await run('npm', ['run', 'build:package', '--', join(folder, 'built')], { cwd: root });
  const pack = ['pack', '--json', '--pack-destination', folder, join(folder, 'built')];
  [packed] = JSON.parse((await run('npm', pack, { cwd: root })).stdout) as [typeof packed];
  await writeFile(join(folder, 'package.json'), '{}');
  // The install scripts fetch CUDA and a second Node, which this test does not need.
  const install = ['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'];
  await run('npm', [...install, `./${packed.filename}`], { cwd: folder }).catch(({ stderr }: { stderr: string }) => {
    if (!/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENOTCACHED|ECONNRESET/.test(stderr)) throw new Error(stderr);
    missing = `npm reaches no registry: ${stderr.split('\n')[0]}`;
    console.log(`Skipped: ${missing}`);
  });
}, 400_000);
afterAll(async () => {
  await redis.remove();
  await rm(folder, { recursive: true, force: true });
});

/** Starts the installed command. */
function startInstalled(node: string, args: string[]) {
  const child = spawn(node, [join(folder, 'node_modules', '.bin', 'vls'), ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...userEnvironment(), REDIS_URL: redis.url, PORT: '0', METRICS_PORT: '0' },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
  const ended = once(child, 'close') as Promise<[code: number | null]>;
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  return { ended, output: () => output };
}

test('the package has what runs, as JavaScript, and nothing else', async () => {
  const paths = packed.files.map(({ path }) => path);
  const top = [...new Set(paths.map((path) => path.replace(/\/.*/, '')))].sort();
  expect(top).toEqual([
    ...['LICENSE', 'NOTICE', 'README.md', 'api', 'batches', 'cli', 'evaluation', 'examples', 'formats', 'images'],
    ...['models', 'package.json', 'shared', 'start', 'traffic', 'web', 'worker'],
  ]);
  expect(paths.filter((path) => /\.(tsx?|map|py)$|(^|\/)(tests?|bench|docs|node_modules)(\/|$)/.test(path))).toEqual(
    [],
  );
  expect(paths.filter((path) => path.startsWith('web/') && !path.startsWith('web/dist/'))).toEqual([]);
  expect(paths.filter((path) => path.startsWith('examples/') && !path.startsWith('examples/photos/'))).toEqual([]);
  expect(paths).toContain('web/dist/index.html');
  // The embedded model is 35 MB of it.
  expect(packed.unpackedSize).toBeLessThan(40_000_000);
  const manifest = JSON.parse(await readFile(join(folder, 'built/package.json'), 'utf8'));
  const { dependencies, version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  expect(manifest).toMatchObject({ version, bin: { vls: 'cli/vls.js' } });
  expect(manifest).not.toHaveProperty('private');
  expect(manifest).not.toHaveProperty('devDependencies');
  expect(Object.keys(manifest.dependencies)).toEqual(Object.keys(dependencies));
  for (const exact of Object.values(manifest.dependencies)) expect(exact).toMatch(/^\d+\.\d+\.\d+/);
});

test('the installed package runs API, page and worker, and scores a pair and a batch', async ({ skip }) => {
  if (missing !== undefined) skip(missing);
  const api = startInstalled(process.execPath, ['start', 'api']);
  const worker = startInstalled(process.execPath, ['start', 'worker']);
  const address = () => /http:\/\/127\.0\.0\.1:\d+/.exec(api.output())?.[0];
  await Promise.race([
    until(() => address() !== undefined),
    ...[api, worker].map(({ ended, output }) => ended.then(() => Promise.reject(new Error(output())))),
  ]);
  const base = `${address()}/evaluator`;
  // 503 until the model is loaded and the worker reports itself.
  await until(async () => (await fetch(`${base}/health`)).status === 200);
  expect(await (await fetch(`${base}/`)).text()).toContain('<script type="module"');

  const photo = await readFile(join(folder, 'node_modules/vision-language-similarity/examples/photos/chelsea.jpg'));
  const pair = { image: photo.toString('base64'), text: 'a cat looking at the camera' };
  const post = async (path: string, body: object, headers = {}) => {
    const response = await fetch(`${base}/v1/evaluation/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: await response.json() };
  };
  // A busy machine delays the event loop of the API, which then refuses single requests for a moment.
  const single = await until(async () => {
    const answer = await post('single', pair);
    return answer.status !== 503 && answer;
  });
  expect(single).toMatchObject({ status: 200, body: { score: expect.closeTo(51.61, 1) } });
  const batch = await post('batch', { items: [pair] }, { prefer: 'wait=60' });
  expect(batch).toMatchObject({
    status: 200,
    body: { results: [{ status: 'succeeded', score: expect.closeTo(51.61, 1) }] },
  });
});
