import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isKeyOf, keyRecordOfEntry, parseKeyFile, useFileOf } from '../../../shared/api-keys.ts';

const main = fileURLToPath(new URL('../../../cli/main.ts', import.meta.url));

let directory: string;
let file: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vls-keys-'));
  file = join(directory, 'keys.jsonl');
});
afterEach(() => rm(directory, { recursive: true }));

async function vls(args: string[], env: NodeJS.ProcessEnv = { API_KEYS_FILE: file }) {
  const child = spawn(process.execPath, [main, 'keys', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], DATA_DIR: directory, ...env },
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const [code, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { code, stdout, stderr };
}
const records = async () => parseKeyFile(await readFile(file, 'utf8'));

test('a key is printed once, and its hash is what is kept, for the eyes of its owner', async () => {
  const { code, stdout } = await vls(['add', '--tenant', 'ours', '--operator', '--weight', '2', '--queued-items', '5']);
  expect(code).toBe(0);
  const key = stdout.trim();
  const [record] = await records();
  expect(record).toMatchObject({ tenant: 'ours', role: 'operator', weight: 2, limits: { queuedItems: 5 } });
  expect(record && isKeyOf(key, record)).toBe(true);
  expect(await readFile(file, 'utf8')).not.toContain(key.split('_')[2]);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const listed = await vls(['list']);
  expect(listed.stdout).toContain(record?.id);
  expect(listed.stdout).not.toContain(record?.hash);
});

test('keys are removed by their ids; an unknown id changes nothing', async () => {
  for (const tenant of ['one', 'two']) await vls(['add', '--tenant', tenant]);
  const [one, two] = await records();
  const wrong = await vls(['remove', one?.id ?? '', 'ffffffffffff']);
  expect([wrong.code, (await records()).length]).toEqual([2, 2]);
  expect((await vls(['remove', one?.id ?? ''])).code).toBe(0);
  expect(await records()).toEqual([two]);
});

test('of two concurrent changes neither is lost: one of them is refused with a retry', async () => {
  const results = await Promise.all(['a', 'b', 'c', 'd'].map((tenant) => vls(['add', '--tenant', tenant])));
  const added = results.filter(({ code }) => code === 0).length;
  expect(added).toBeGreaterThan(0);
  expect(await records()).toHaveLength(added);
});

test('a link to the file stays a link', async () => {
  const link = join(directory, 'link');
  await writeFile(file, '');
  await symlink(file, link);
  await vls(['add', '--tenant', 'ours'], { API_KEYS_FILE: link });
  expect(await records()).toHaveLength(1);
});

test('a key is rotated: the new one has its rights, the former one works on for the overlap', async () => {
  await vls(['add', '--tenant', 'ours', '--operator', '--weight', '2', '--queued-items', '5', '--expires', '90d']);
  const [before] = await records();
  const from = Date.now();
  const { code, stdout, stderr } = await vls(['rotate', 'ours', '--overlap', '2h']);
  expect([code, stderr]).toEqual([0, expect.stringContaining(before?.id ?? '-')]);
  const [former, made, ...more] = await records();
  expect(more).toEqual([]);
  expect(former).toEqual({ ...before, expires: former?.expires });
  const overlap = Date.parse(former?.expires ?? '') - from;
  expect(overlap).toBeGreaterThanOrEqual(2 * 3_600_000);
  expect(overlap).toBeLessThan(2 * 3_600_000 + 60_000);
  const { role, weight, limits, tenant } = before ?? {};
  expect(made).toMatchObject({ role, weight, limits, tenant, replaces: before?.id });
  expect(made && isKeyOf(stdout.trim(), made)).toBe(true);
  const lifetime = Date.parse(made?.expires ?? '') - Date.parse(made?.created ?? '');
  expect(Math.abs(lifetime - 90 * 86_400_000)).toBeLessThan(60_000);
  // The tenant has one current key: the one that was made.
  const again = await vls(['rotate', 'ours', '--json', '--expires', '1d']);
  expect(JSON.parse(again.stdout)).toMatchObject({ tenant: 'ours', replaces: { id: made?.id } });
});

test.each([
  ['an unknown key', async () => ['nobody'], 'There is no key nobody'],
  ['a tenant of two keys', async () => [await twoKeys()], 'has 2 keys; give the id of one'],
  ['a key that has a successor', async () => [(await rotated()) ?? ''], 'has already been replaced'],
  ['an overlap that is no duration', async () => [await oneKey(), '--overlap', '1'], 'is not a duration'],
])('rotating %s changes nothing', async (_case, args, reason) => {
  const given = await args();
  const before = await readFile(file, 'utf8').catch(() => '');
  const { code, stderr } = await vls(['rotate', ...given]);
  expect([code, stderr]).toEqual([2, expect.stringContaining(reason)]);
  expect(await readFile(file, 'utf8').catch(() => '')).toBe(before);
});
async function twoKeys(): Promise<string> {
  for (const tenant of ['ours', 'ours']) await vls(['add', '--tenant', tenant]);
  return 'ours';
}
async function oneKey(): Promise<string> {
  await vls(['add', '--tenant', 'ours']);
  return 'ours';
}
async function rotated(): Promise<string | undefined> {
  await vls(['add', '--tenant', 'ours']);
  await vls(['rotate', 'ours']);
  return (await records())[0]?.id;
}

test('the list shows when keys expire and when they were last used', async () => {
  await vls(['add', '--tenant', 'ours', '--expires', '2099-01-31']);
  const [record] = await records();
  await writeFile(useFileOf(file), JSON.stringify({ [record?.id ?? '']: '2026-05-04T03:02:01.000Z' }));
  const { stdout } = await vls(['list']);
  expect(stdout).toMatch(/EXPIRES +LAST USED\n.* 2099-01-31T00:00Z +2026-05-04T03:02Z\n/);
  const { keys } = JSON.parse((await vls(['list', '--json'])).stdout);
  expect(keys).toMatchObject([{ expires: '2099-01-31T00:00:00.000Z', lastUsed: '2026-05-04T03:02:01.000Z' }]);
});

test('an entry for API_KEYS carries its expiry', async () => {
  const { stdout } = await vls(['add', '--tenant', 'ours', '--entry', '--json', '--expires', '2099-01-31'], {});
  expect(keyRecordOfEntry(JSON.parse(stdout).entry)).toMatchObject({ expires: '2099-01-31T00:00:00.000Z' });
});

test('an entry for API_KEYS is printed with its key, and no file is needed', async () => {
  const { code, stdout } = await vls(['add', '--tenant', 'ours', '--entry', '--json'], {});
  expect(code).toBe(0);
  const { key, entry } = JSON.parse(stdout);
  const record = keyRecordOfEntry(entry);
  expect(record && isKeyOf(key, record)).toBe(true);
});

test.each([
  ['without a file', ['list'], {}],
  ['with a tenant that is no name', ['add', '--tenant', 'A b'], undefined],
  ['with a weight that is no number', ['add', '--tenant', 'a', '--weight', 'much'], undefined],
])('%s the usage is wrong, and nothing is written', async (_what, args, env) => {
  const { code, stderr } = await vls(args, env);
  expect(code).toBe(2);
  expect(stderr).toContain('error');
  await expect(stat(file)).rejects.toThrow('ENOENT');
});

test('a file that is something else is left as it is', async () => {
  await writeFile(file, 'not a key\n');
  const { code, stderr } = await vls(['add', '--tenant', 'ours']);
  expect([code, stderr]).toEqual([2, expect.stringContaining('line 1')]);
  expect(await readFile(file, 'utf8')).toBe('not a key\n');
});
