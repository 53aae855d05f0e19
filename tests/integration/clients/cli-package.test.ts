import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { useService } from '../../support/running-service.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../..', import.meta.url));
const photo = fileURLToPath(new URL('../../../examples/photos/chelsea.jpg', import.meta.url));
const running = useService();

let folder: string;
let packed: { size: number; unpackedSize: number; files: { path: string }[] };
/** Node 20, or the reason why there is none. */
let node20: { path: string } | { missing: string };

/** The package, built and packed from the sources and installed in an empty folder. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vls-cli-package-'));
  await run('npm', ['run', 'build:cli'], { cwd: root });
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder, './clients/cli'], { cwd: root });
  const [described] = JSON.parse(stdout) as [typeof packed & { filename: string }];
  packed = described;
  await writeFile(join(folder, 'package.json'), '{}');
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', `./${described.filename}`], { cwd: folder });
  node20 = await findNode20();
}, 240_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Returns the Node of the system if it is version 20, else one that npm installs. */
async function findNode20(): Promise<typeof node20> {
  const own = join('node_modules', 'node', 'bin');
  const folders = (process.env['PATH'] ?? '').split(':').filter((path) => path !== '' && !path.endsWith(own));
  for (const path of [...folders, '/usr/bin', '/usr/local/bin']) {
    const { stdout = '' } = await run(join(path, 'node'), ['--version']).catch(() => ({ stdout: '' }));
    if (stdout.startsWith('v20.')) return { path: join(path, 'node') };
  }
  const prefix = join(folder, 'node20');
  const name = `node-${process.platform}-${process.arch}`;
  try {
    await mkdir(prefix);
    await writeFile(join(prefix, 'package.json'), '{}');
    await run('npm', ['install', '--no-audit', '--no-fund', `${name}@20`], { cwd: prefix, timeout: 120_000 });
    return { path: join(prefix, 'node_modules', name, 'bin', 'node') };
  } catch (error) {
    return { missing: `npm cannot install ${name}@20: ${(error as Error).message.split('\n')[0]}` };
  }
}

const installed = () => join(folder, 'node_modules', 'vision-language-similarity-cli');

/** Runs the installed command with a Node. */
async function vls(node: string, args: string[], cwd = folder) {
  const env = { PATH: '/usr/bin:/bin', VLS_URL: running.service.url, TZ: 'UTC' };
  const command = [join(folder, 'node_modules', '.bin', 'vls'), ...args];
  return await run(node, command, { cwd, env }).then(
    (output) => ({ code: 0, ...output }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, stdout, stderr }),
  );
}

test('the package is less than 2 MB of plain JavaScript without dependencies', async () => {
  expect(packed.unpackedSize).toBeLessThan(2_000_000);
  const paths = packed.files.map(({ path }) => path);
  const wanted = /^(dist\/.+\.(js|md)|package\.json|README\.md)$/;
  expect(paths.filter((path) => !wanted.test(path))).toEqual([]);
  expect(paths).toContain('dist/LICENSES.md');
  expect((await readdir(join(folder, 'node_modules'))).filter((name) => !name.startsWith('.'))).toEqual([
    'vision-language-similarity-cli',
  ]);
  const dist = join(installed(), 'dist');
  for (const name of await readdir(dist)) {
    const text = await readFile(join(dist, name), 'utf8');
    expect(text, name).not.toMatch(/onnxruntime|ioredis|bullmq|from ["']vite/);
  }
  expect((await stat(join(dist, 'vls.js'))).size).toBeGreaterThan(1000);
});

describe.each([['Node 24'], ['Node 20']])('with %s, the installed command', (name) => {
  const nodeOf = (skip: (reason: string) => never): string => {
    if (name === 'Node 24') return process.execPath;
    return 'path' in node20 ? node20.path : skip(node20.missing);
  };

  test('scores a pair of a running service', async ({ skip }) => {
    const node = nodeOf(skip);
    const { code, stdout, stderr } = await vls(node, ['score', photo, 'a cat', '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ score: expect.any(Number), receipt: { model: 'compact-1' } });
    const version = await vls(node, ['--version']);
    expect(version.stdout).toBe(`${JSON.parse(await readFile(join(root, 'package.json'), 'utf8')).version}\n`);
  });

  test('scores a file as CSV, and its scores as Parquet', async ({ skip }) => {
    const node = nodeOf(skip);
    const cwd = await mkdtemp(join(folder, 'rows-'));
    await writeFile(join(cwd, 'pairs.csv'), 'image;text\nchelsea.jpg;eine Katze, süß\nchelsea.jpg;ein Café\n');
    await copyFile(photo, join(cwd, 'chelsea.jpg'));
    const batch = ['batch', 'pairs.csv', '--delimiter', ';', '--quiet'];
    const csv = await vls(node, [...batch, '--out', 'scores.csv'], cwd);
    expect(csv).toMatchObject({ code: 0, stderr: '' });
    expect(await readFile(join(cwd, 'scores.csv'), 'utf8')).toContain('eine Katze, süß');
    const parquet = await vls(node, [...batch, '--out', 'scores.parquet'], cwd);
    expect(parquet).toMatchObject({ code: 0, stderr: '' });
    expect((await readFile(join(cwd, 'scores.parquet'))).subarray(0, 4).toString()).toBe('PAR1');
  });

  test('names itself in advice as it was called', async ({ skip }) => {
    const { code, stderr } = await vls(nodeOf(skip), ['watch', 'nothing']);
    expect(code).toBe(1);
    expect(stderr).toContain('`./node_modules/.bin/vls batches`');
    expect(stderr).not.toContain('npx');
  });

  test('does not advise what it cannot do, where no service answers', async ({ skip }) => {
    const { code, stderr } = await vls(nodeOf(skip), ['batches', '--url', 'http://127.0.0.1:6000']);
    expect(code).toBe(3);
    expect(stderr).toContain('It must run there; --url or VLS_URL sets another address.');
    expect(stderr).not.toMatch(/start|npm/);
  });

  test.for<[args: string[], what: string]>([
    [['score', photo, 'a cat', '--offline'], '--offline'],
    [['batch', 'pairs.csv', '--offline'], '--offline'],
    [['models', 'pull', 'fast', '--repair'], '`vls models`'],
    [['start'], '`vls start`'],
  ])('says for %j that the package of the service is needed', async ([args, what], { skip }) => {
    const node = nodeOf(skip);
    await writeFile(join(folder, 'pairs.csv'), `image,text\n${photo},a cat\n`);
    const { code, stderr } = await vls(node, args);
    expect(code).toBe(1);
    expect(stderr).toContain(`${what} needs the package of the service`);
  });
});
