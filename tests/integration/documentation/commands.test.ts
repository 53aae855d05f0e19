import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { blocksOf, guides, readGuide } from '../../support/guides.ts';
import { useService } from '../../support/running-service.ts';
import { userEnvironment, withoutBootstrap } from '../../support/vls.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const has = (command: string) => spawnSync(command, ['--version']).status === 0;

/**
 * The guides whose commands are run, with what they must come to: the statuses other than 2xx that they foretell, in order,
 * and how often a command ends with 4, as some rows of its file are meant to fail.
 */
const run: Record<string, { refusals: number[]; fours: number }> = {
  'README.md': { refusals: [], fours: 1 },
  'docs/requests.md': { refusals: [422], fours: 0 },
  'docs/scores.md': { refusals: [], fours: 0 },
  'docs/migrating.md': { refusals: [], fours: 2 },
  'docs/operations.md': { refusals: [], fours: 0 },
  'docs/batches.md': { refusals: [], fours: 0 },
  'docs/batch-formats.md': { refusals: [400], fours: 0 },
  'docs/batch-results.md': { refusals: [], fours: 0 },
  'docs/batch-events.md': { refusals: [], fours: 0 },
  'docs/batch-storage.md': { refusals: [], fours: 0 },
  'docs/openai.md': { refusals: [], fours: 0 },
  'docs/tutorial.md': { refusals: [], fours: 2 },
  'docs/cli.md': { refusals: [], fours: 5 },
};

const running = useService({ IMAGE_FILE_ROOTS: join(root, 'examples', 'photos') });

let directory: string;
let scratch: string;
beforeEach(async () => {
  // A copy, as some of the commands write beside the examples.
  directory = await mkdtemp(join(tmpdir(), 'vls-guide-'));
  scratch = await mkdtemp(join(tmpdir(), 'vls-scratch-'));
  await cp(join(root, '.gitignore'), join(directory, '.gitignore'));
  await cp(join(root, 'examples'), join(directory, 'examples'), { recursive: true });
  await symlink(join(root, 'node_modules'), join(directory, 'node_modules'));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
  await rm(scratch, { recursive: true });
});

const git = (...args: string[]) => spawnSync('git', args, { cwd: directory, encoding: 'utf8' }).stdout;

/** Runs the blocks of a guide in one shell that stops at the first failure. */
async function follow(blocks: string[]): Promise<{ stdout: string; stderr: string; code: number | null }> {
  const tools = [
    'set -euo pipefail',
    `vls() { ${process.execPath} ${withoutBootstrap.main} "$@"; }`,
    `node() { ${process.execPath} "$@"; }`,
    'npx() { "$@"; }',
    `curl() { command curl -sS -w '%{stderr}status %{http_code}\\n' "$@"; }`,
  ];
  const here = blocks
    .join('\n')
    .replaceAll('http://127.0.0.1:8000', running.service.url)
    .replaceAll('localhost:9000', running.host.authority)
    .replaceAll('/tmp/', `${scratch}/`);
  const script = join(scratch, 'guide.sh');
  await writeFile(script, `${tools.join('\n')}\n${here}`);
  // The tutorial generates a list of N rows, 100,000 by default.
  const env = {
    ...userEnvironment(),
    ...withoutBootstrap.env,
    VLS_URL: running.service.url,
    TMPDIR: scratch,
    N: '120',
  };
  const child = spawn('bash', [script], { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => (stdout += data));
  child.stderr.on('data', (data) => (stderr += data));
  const [code] = await once(child, 'close');
  return { stdout, stderr, code };
}

test.skipIf(!['python3', 'curl', 'git'].every(has)).each(Object.entries(run))(
  'every command of %s works',
  async (name, { refusals, fours }) => {
    const blocks = blocksOf(readGuide(name)).filter(({ excuse }) => excuse === undefined);
    git('init', '-q');
    git('add', '-A');
    expect(blocks).not.toEqual([]);
    const { stdout, stderr, code } = await follow(blocks.map(({ commands }) => commands));
    expect(code, stderr).toBe(0);
    expect(stdout.match(/ended with \d+/g) ?? []).toEqual(Array(fours).fill('ended with 4'));
    const statuses = [...stderr.matchAll(/^status (\d+)$/gm)].map(([, status]) => Number(status));
    expect(statuses.filter((status) => status < 200 || status > 299)).toEqual(refusals);
    // A checkout has no new untracked files afterwards.
    expect(git('ls-files', '--others', '--exclude-standard')).toBe('');
    if (name === 'docs/migrating.md') expect(stdout).toMatch(/^(ok|degraded)\n51\.61\n\[51\.61\]$/m);
    if (name !== 'docs/cli.md') return;
    const rows = (await readFile(join(directory, 'scores.csv'), 'utf8')).trim().split('\n');
    expect(rows).toHaveLength(7);
    expect(await readFile(join(directory, 'offline.csv'), 'utf8')).toBe(`${rows.join('\n')}\n`);
    expect(await readFile(join(directory, 'examples', 'mine.scores.csv'), 'utf8')).toMatch(/^index,sku,photo,caption,/);
  },
);

test('every other command of a guide says why it is not run', () => {
  const silent = guides
    .filter((name) => run[name] === undefined)
    .flatMap((name) => blocksOf(readGuide(name)).map((block) => ({ name, ...block })))
    .filter(({ excuse }) => excuse === undefined)
    .map(({ name, line }) => `${name}:${line}`);
  expect(silent).toEqual([]);
});

test('what the guides link to is there', () => {
  const broken = guides.flatMap((name) =>
    [...readGuide(name).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)(?:#([^)]+))?\)/g)]
      .filter(([, path = '', anchor]) => {
        const target = join(dirname(name), path);
        if (!existsSync(join(root, target))) return true;
        return anchor !== undefined && !anchorsOf(readGuide(target)).includes(anchor);
      })
      .map(([link]) => `${name}: ${link}`),
  );
  expect(broken).toEqual([]);
});

test('every npm script that a guide names is there, and CONTRIBUTING.md names all of them', () => {
  const { scripts } = JSON.parse(readGuide('package.json')) as { scripts: Record<string, string> };
  const named = guides.flatMap((name) =>
    [...readGuide(name).matchAll(/npm run ([a-z][a-z:-]*)/g)].map(([, script = '']) => script),
  );
  expect(named.filter((script) => scripts[script] === undefined)).toEqual([]);
  const contributing = readGuide('CONTRIBUTING.md');
  // npm runs `prepack` by itself.
  const called = Object.keys(scripts).filter((script) => script !== 'prepack');
  const silent = called.filter((script) => !new RegExp(`npm (run )?${script}\\b`).test(contributing));
  expect(silent).toEqual([]);
});

const anchorsOf = (guide: string) =>
  [...guide.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
