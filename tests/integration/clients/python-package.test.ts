import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findPython } from '../../support/python.ts';
import { useService } from '../../support/running-service.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const packageRoot = join(root, 'clients/python');
const run = promisify(execFile);
const { path: python, reason } = findPython([
  ...['hatchling', 'httpx', 'pandas', 'pyarrow', 'tqdm', 'pytest', 'nbclient', 'ipykernel'],
]);
if (reason !== undefined) console.warn(`Skipped: ${reason}`);

/** The Python client as its wheel, which is built and installed into a folder of its own. */
const running = reason === undefined ? useService() : undefined;

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vls-wheel-'));
});
afterAll(() => rm(directory, { recursive: true }));

test.skipIf(python === undefined)(
  'the wheel installs, and its tests and its notebook pass against the service',
  async () => {
    const interpreter = python ?? '';
    const build = ['--no-build-isolation', '--quiet', '--wheel-dir', directory, packageRoot];
    await run(interpreter, ['-m', 'pip', 'wheel', '--no-deps', ...build]);
    const [wheel = ''] = (await readdir(directory)).filter((name) => name.endsWith('.whl'));
    expect(wheel).toMatch(/^vision_language_similarity-[\d.]+-py3-none-any\.whl$/);
    const installed = join(directory, 'installed');
    await run(interpreter, [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--no-deps',
      '--target',
      installed,
      join(directory, wheel),
    ]);
    expect(await readdir(join(installed, 'vls'))).toContain('py.typed');
    const env = {
      ...process.env,
      PYTHONPATH: installed,
      PYTHONDONTWRITEBYTECODE: '1',
      VLS_URL: running?.service.url ?? '',
      VLS_PHOTOS: join(root, 'examples/photos'),
    };
    const words = ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', join(packageRoot, 'tests')];
    const { stdout } = await run(interpreter, words, { cwd: directory, env }).catch((error: { stdout: string }) => {
      throw new Error(error.stdout);
    });
    expect(stdout).toMatch(/\d+ passed/);
  },
);
