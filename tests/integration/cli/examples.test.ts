import { execFile, spawnSync } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { photoNames } from '../../../testing/images/host.ts';
import { useService } from '../../support/running-service.ts';

const running = useService();
const root = fileURLToPath(new URL('../../../', import.meta.url));
const run = promisify(execFile);
const has = (command: string) => spawnSync(command, ['--version']).status === 0;

let directory: string;
let env: Record<string, string | undefined>;
beforeAll(async () => {
  // A copy, as some of the commands write beside the examples.
  directory = await mkdtemp(join(tmpdir(), 'vls-examples-'));
  await cp(join(root, 'examples'), join(directory, 'examples'), { recursive: true });
  env = { PATH: process.env['PATH'], HOME: process.env['HOME'], VLS_URL: running.service.url, TMPDIR: directory };
});
afterAll(() => rm(directory, { recursive: true }));

const options = () => ({ cwd: directory, env, encoding: 'utf8' as const });

test.skipIf(!has('python3'))('the Python example scores a photo, and the photos as a batch', async () => {
  const one = await run(
    'python3',
    ['examples/client.py', 'examples/photos/chelsea.jpg', 'a cat', 'a rocket'],
    options(),
  );
  expect(one.stdout).toMatch(/^ *[5-9]\d\.\d\d {2}a cat\n *\d+\.\d\d {2}a rocket\n$/);
  const batch = await run('python3', ['examples/client.py'], options());
  const lines = batch.stdout.trim().split('\n');
  expect(lines.map((line) => line.trim().split(/ {2}/)[1])).toEqual(photoNames);
});

test.skipIf(!has('python3'))('the Python example says what the service has against a request', async () => {
  await expect(run('python3', ['examples/client.py', 'http://10.0.0.1/a.jpg', 'a cat'], options())).rejects.toThrow(
    'image.fetch.blocked_address',
  );
  const nowhere = { ...options(), env: { ...env, VLS_URL: 'http://127.0.0.1:1' } };
  await expect(run('python3', ['examples/client.py'], nowhere)).rejects.toThrow('npm start');
});

test.skipIf(!has('curl'))('the curl examples score a photo, and the photos as a batch', async () => {
  const one = await run('bash', ['examples/score.sh'], options());
  expect(JSON.parse(one.stdout).results).toMatchObject([{ text: 'a cat' }, { text: 'a cup of coffee' }]);
  const batch = await run('bash', ['examples/batch.sh'], options());
  const [header, ...rows] = batch.stdout.trim().split('\n');
  expect(header).toMatch(/^index,id,image,text,.*status,score/);
  expect(rows).toHaveLength(photoNames.length);
  for (const row of rows) expect(row).toContain(',succeeded,');
});

test.skipIf(!has('curl'))('a curl example fails when the service refuses, and shows why', async () => {
  await expect(run('bash', ['examples/score.sh', 'examples/labels.txt'], options())).rejects.toMatchObject({
    stdout: expect.stringContaining('image.unsupported_format'),
  });
});
