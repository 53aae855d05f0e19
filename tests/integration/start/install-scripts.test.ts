import { execFile, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from './started.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const run = promisify(execFile);

/** The npm of this machine, and the oldest that people with Node 20 have. */
const npms: [string, string[]][] = [
  ['the npm of this machine', ['npm']],
  ['npm 10', ['npx', '--yes', 'npm@10']],
];
const answers = ([program = '', ...args]: string[]) =>
  spawnSync(program, [...args, '--version'], { encoding: 'utf8', timeout: 60_000, cwd: tmpdir() });

/** A package whose dependency writes a file when its install script runs, with the `.npmrc` of this project. */
async function packageWithScript(
  npm: string[],
): Promise<{ directory: string; hasRun(): boolean; npm(...args: string[]): Promise<unknown> }> {
  const directory = temporaryDirectory();
  const dependency = join(directory, 'dependency');
  mkdirSync(dependency);
  const mark = join(directory, 'script-has-run');
  const script = `node -e "require('node:fs').writeFileSync(process.env.MARK, '')"`;
  writeFileSync(
    join(dependency, 'package.json'),
    JSON.stringify({ name: 'with-script', version: '1.0.0', scripts: { postinstall: script } }),
  );
  const [program = '', ...words] = npm;
  const call = (...args: string[]) =>
    run(program, [...words, ...args], { cwd: directory, env: { ...process.env, MARK: mark } });
  await call('pack', './dependency');
  writeFileSync(
    join(directory, 'package.json'),
    JSON.stringify({
      name: 'throw-away',
      version: '1.0.0',
      dependencies: { 'with-script': 'file:with-script-1.0.0.tgz' },
      allowScripts: { 'with-script': true },
    }),
  );
  copyFileSync(join(root, '.npmrc'), join(directory, '.npmrc'));
  await call('install', '--package-lock-only');
  return { directory, hasRun: () => existsSync(mark), npm: call };
}

describe.each(npms)('%s', (name, npm) => {
  const { status, stdout } = answers(npm);
  if (status !== 0) console.log(`Skipped: ${name} is not there, and no registry has it.`);

  test.skipIf(status !== 0)(
    `(${stdout?.trim()}) runs no install script by itself, and the one that is named when it is asked to`,
    async () => {
      const made = await packageWithScript(npm);
      await made.npm('ci');
      expect(existsSync(join(made.directory, 'node_modules/with-script/package.json'))).toBe(true);
      expect(made.hasRun()).toBe(false);
      await made.npm('rebuild', 'with-script', '--ignore-scripts=false');
      expect(made.hasRun()).toBe(true);
    },
  );
});

test('the package itself has no script that npm would run during an installation', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const during = ['preinstall', 'install', 'postinstall', 'prepublish', 'preprepare', 'prepare', 'postprepare'];
  expect(during.filter((name) => name in scripts)).toEqual([]);
});
