import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../..', import.meta.url));
const nextStep = 'npm run build:package && npm pack ./dist/package';

interface Failed {
  code: number;
  stderr: string;
}

test('`npm pack` of the repository is refused where scripts run', async () => {
  const pack = run('npm', ['pack', '--dry-run', '--ignore-scripts=false'], { cwd: root });
  const { code, stderr } = await pack.then(
    () => expect.fail('npm packed the sources'),
    (error: Failed) => error,
  );
  expect(code).not.toBe(0);
  expect(stderr).toContain(nextStep);
});

test('an archive of the repository has no sources of the service, and its command names the build of the package', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vls-sources-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: root });
  const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  expect(files.filter(({ path }) => path.endsWith('.ts'))).toEqual([]);
  await run('tar', ['-xzf', filename], { cwd: folder });
  const { code, stderr } = await run(process.execPath, [join(folder, 'package/cli/vls.js'), '--help']).then(
    () => expect.fail('the command started'),
    (error: Failed) => error,
  );
  expect(code).toBe(1);
  expect(stderr).toContain(nextStep);
});
