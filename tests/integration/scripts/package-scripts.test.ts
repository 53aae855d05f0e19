import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startRedis, type TestRedis } from '../../../testing/redis/single.ts';
import { until } from '../../../testing/until.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };

/**
 * How each script is run for a moment: the arguments of its commands, and what it prints once its work has begun; then it
 * is stopped.
 * Without that, it ends by itself. What the others do is too heavy for a test; their tests are in the folders they run.
 */
const moments: Record<string, { args: string[]; begun?: RegExp }> = {
  start: { args: [], begun: /http:\/\/127\.0\.0\.1:\d+/ },
  api: { args: [], begun: /listening|http:\/\// },
  worker: { args: [], begun: /"msg"|worker/ },
  test: { args: [], begun: /format and lint/ },
  check: { args: [], begun: /biome check/ },
  lint: { args: ['--help'] },
  format: { args: ['--help'] },
  types: { args: ['--help'] },
  // Python may be absent; then the shell says so.
  'build:python': { args: ['--help'], begun: /pip|python/i },
  'build:cli': { args: [] },
  'build:web': { args: [] },
  'build:package': { args: [] },
  'build:kernels': { args: [] },
  licences: { args: [] },
  sbom: { args: ['--help'] },
  load: {
    args: ['--seconds', '1', '--connections', '1', "'single by url'", '--out "$DATA_DIR"'],
    begun: /results\.json is in/,
  },
  'bench:overload': { args: ['1', '1'], begun: /service +http/ },
  chaos: { args: ['200', '1', '1'], begun: /\d/ },
  failovers: { args: ['1', 'sentinel'], begun: /\d/ },
  fuzz: { args: ['2', '1'], begun: /2 mutated files/ },
  attack: { args: ['--minutes', '1'], begun: /1 minutes/ },
  scaling: { args: ['--help'] },
  profile: { args: ['--help'] },
  bench: { args: ['--help'] },
  'bench:control-plane': { args: ['--help'] },
  'bench:neighbour': { args: ['--help'] },
  'bench:gpu': { args: ['--help'] },
  'deploy:check': { args: ['--help'], begun: /deploy:check -- \[options\]/ },
  // It says which programs it lacks, or begins with them.
  'deploy:kube': { args: [], begun: /\w/ },
  'deploy:preflight': { args: ['--help'], begun: /deploy:preflight -- / },
};

let redis: TestRedis;
let directory: string;
beforeAll(async () => {
  redis = await startRedis();
  directory = mkdtempSync(join(tmpdir(), 'vls-scripts-'));
});
afterAll(async () => {
  await redis.remove();
  rmSync(directory, { recursive: true, force: true });
});

test('every script of package.json is run by this test', () => {
  // npm runs `prepack` by itself; tests/integration/supply-chain/sources.test.ts covers it.
  const called = Object.keys(scripts).filter((name) => name !== 'prepack');
  expect(Object.keys(moments).sort()).toEqual(called.sort());
});

test.for(Object.entries(moments))('npm run %s runs, and leaves no process behind', async ([name, moment]) => {
  const mark = `VLS_SCRIPT_${randomUUID().replaceAll('-', '')}`;
  const commands = scripts[name]?.split(' && ').map((command) => [command, ...moment.args].join(' '));
  const child = spawn('sh', ['-c', commands?.join(' && ') ?? ''], {
    cwd: root,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      PATH: `${join(root, 'node_modules/.bin')}:${process.env['PATH']}`,
      PORT: '0',
      METRICS_PORT: '0',
      DATA_DIR: directory,
      ...(name !== 'start' && { REDIS_URL: redis.url }),
      [mark]: '1',
    },
  });
  let output = '';
  let onOutput = () => {};
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      output += data;
      onOutput();
    });
  }
  const ended = once(child, 'exit') as Promise<[code: number | null]>;
  const { begun } = moment;
  if (begun === undefined) {
    const [code] = await ended;
    expect(code, output).toBe(0);
  } else {
    const started = new Promise<void>((resolve) => {
      onOutput = () => begun.test(output) && resolve();
    });
    await Promise.race([started, ended]);
    expect(output).toMatch(begun);
    // As Ctrl-C does.
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGINT');
    await ended;
  }
  expect(output).not.toMatch(/Cannot find module|MODULE_NOT_FOUND|SyntaxError|ReferenceError|TypeError/);
  await until(() => process.platform !== 'linux' || processesWith(mark).length === 0);
});

/** Commands of the processes that have a variable in their environment, and so descend from the one that got it. */
function processesWith(variable: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      if (!/^\d+$/.test(pid) || !readFileSync(`/proc/${pid}/environ`, 'latin1').includes(variable)) return [];
      return [readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')];
    } catch {
      return [];
    }
  });
}

/** Folders that are made when there is something to write into them. */
const madeLater = /results|figures|dist|\.data/;

test('every file that the code names by its place is there', () => {
  const folders = ['api', 'batches', 'bench', 'cli', 'deploy', 'evaluation', 'images', 'models', 'shared', 'start']
    .concat('supply-chain', 'testing', 'tests', 'traffic', 'worker')
    .map((folder) => join(root, folder));
  const absent = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.[jt]s$/.test(path) && !path.includes('node_modules'))
      .map((path) => join(folder, path))
      .flatMap((file) =>
        [...readFileSync(file, 'utf8').matchAll(/new URL\(\s*'([^'$]+)',\s*import\.meta\.url/g)]
          .map(([, place = '']) => place)
          .filter((place) => !/^\w+:/.test(place) && !madeLater.test(place))
          .filter((place) => !existsSync(join(dirname(file), place)))
          .map((place) => `${file}: ${place}`),
      ),
  );
  expect(absent).toEqual([]);
});
