import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openKeyRing } from '../../../api/access/key-ring.ts';
import {
  createKey,
  entryOfKeyRecord,
  formatKeyFile,
  type KeyRecord,
  parseKeyUse,
  useFileOf,
} from '../../../shared/api-keys.ts';
import { readConfig } from '../../../shared/config.ts';
import { until } from '../../../testing/until.ts';
import { silentLog } from '../../support/silent-log.ts';

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vls-ring-'));
  path = join(directory, 'keys.jsonl');
});
afterEach(async () => {
  vi.useRealTimers();
  // The last use of a key may still be on its way to the disk.
  await rm(directory, { recursive: true, maxRetries: 10 });
});

function make(tenant: string): { key: string; record: KeyRecord } {
  const { key, id, hash } = createKey();
  return { key, record: { id, hash, tenant, role: 'tenant' } };
}
const open = (env: NodeJS.ProcessEnv) => openKeyRing(readConfig(env), silentLog());

test('keys of the environment and of the file are accepted, and no others', async () => {
  const [fixed, filed, other] = [make('fixed'), make('filed'), make('other')];
  await writeFile(path, formatKeyFile([filed.record]));
  const ring = await open({ API_KEYS: entryOfKeyRecord(fixed.record), API_KEYS_FILE: path });
  expect(await ring.find(fixed.key)).toEqual(fixed.record);
  expect(await ring.find(filed.key)).toEqual(filed.record);
  expect(await ring.find(other.key)).toBeUndefined();
  expect(await ring.find(filed.record.hash)).toBeUndefined();
  expect(await ring.find(`${filed.key}x`)).toBeUndefined();
});

test('keys are required with a file, even a missing one, and not without file and entries', async () => {
  expect((await open({})).required).toBe(false);
  const ring = await open({ API_KEYS_FILE: path });
  expect(ring.required).toBe(true);
  const { key, record } = make('late');
  expect(await ring.find(key)).toBeUndefined();
  await writeFile(path, formatKeyFile([record]));
  expect(await ring.find(key)).toEqual(record);
  // Removed keys do not open the service.
  await rm(path);
  expect(ring.required).toBe(true);
  await until(async () => (await ring.find(key)) === undefined);
});

test('a file that is damaged during the run keeps its keys; at the start it is refused and not quoted', async () => {
  const { key, record } = make('ours');
  await writeFile(path, formatKeyFile([record]));
  const ring = await open({ API_KEYS_FILE: path });
  await writeFile(path, `${formatKeyFile([record])}{"id":"secret`);
  // An unknown key causes the file to be read at once.
  expect(await ring.find(make('other').key)).toBeUndefined();
  expect(await ring.find(key)).toEqual(record);
  const refusal = open({ API_KEYS_FILE: path });
  await expect(refusal).rejects.toThrow(/API_KEYS_FILE=.*line 2/);
  await expect(refusal).rejects.not.toThrow(/secret/);
});

test('an entry that is a key instead of its hash is refused, and not shown', () => {
  const { key } = make('ours');
  expect(() => readConfig({ API_KEYS: key })).toThrow(/API_KEYS=\(not shown\): expected id:tenant:role:hash/);
});

test('an expired key is refused, from the file, from an entry and by its id', async () => {
  const [past, future, fixed] = [make('past'), make('future'), make('fixed')];
  past.record.expires = new Date(Date.now() - 1).toISOString();
  future.record.expires = new Date(Date.now() + 3_600_000).toISOString();
  fixed.record.expires = past.record.expires;
  await writeFile(path, formatKeyFile([past.record, future.record]));
  const ring = await open({ API_KEYS: entryOfKeyRecord(fixed.record), API_KEYS_FILE: path });
  expect(await ring.find(past.key)).toBeUndefined();
  expect(await ring.byId(past.record.id)).toBeUndefined();
  expect(await ring.find(fixed.key)).toBeUndefined();
  expect(await ring.find(future.key)).toEqual(future.record);
});

test('a key expires while the service runs, without a change of its file', async () => {
  const { key, record } = make('ours');
  record.expires = new Date(Date.now() + 60_000).toISOString();
  await writeFile(path, formatKeyFile([record]));
  const ring = await open({ API_KEYS_FILE: path });
  expect(await ring.find(key)).toEqual(record);
  vi.setSystemTime(Date.now() + 60_000);
  expect(await ring.find(key)).toBeUndefined();
});

test('a key file without expiries is still read', async () => {
  const { key, record } = make('ours');
  const { id, hash, tenant, role } = record;
  await writeFile(path, `${JSON.stringify({ id, hash, tenant, role, created: '2026-01-01T00:00:00.000Z' })}\n`);
  expect(await (await open({ API_KEYS_FILE: path })).find(key)).toMatchObject({ tenant: 'ours' });
});

test('each key that is added, changed, rotated or removed is one audit line', async () => {
  const [first, second, third] = [make('first'), make('second'), make('third')];
  await writeFile(path, formatKeyFile([first.record, second.record]));
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'warn' }, { write: (line) => void lines.push(JSON.parse(line)) });
  const ring = await openKeyRing(readConfig({ API_KEYS_FILE: path }), log);
  third.record.replaces = first.record.id;
  const changed = { ...first.record, expires: '2099-01-01T00:00:00.000Z' };
  await writeFile(path, formatKeyFile([changed, third.record]));
  expect(await ring.find(third.key)).toEqual(third.record);
  const common = { audit: true, by: 'key_file', msg: 'audit' };
  const told = lines.filter(({ audit }) => audit === true);
  expect(told).toHaveLength(3);
  expect(told).toEqual([
    expect.objectContaining({ ...common, action: 'key.changed', keyId: changed.id, expires: changed.expires }),
    expect.objectContaining({ ...common, action: 'key.rotated', keyId: third.record.id, replaces: changed.id }),
    expect.objectContaining({ ...common, action: 'key.removed', keyId: second.record.id, tenant: 'second' }),
  ]);
  expect(JSON.stringify(lines)).not.toContain(third.record.hash);
});

test('the last use of a key is stored next to its file, also for browsers that signed in with it', async () => {
  const [used, session, unused] = [make('used'), make('session'), make('unused')];
  await writeFile(path, formatKeyFile([used.record, session.record, unused.record]));
  const ring = await open({ API_KEYS_FILE: path });
  const before = Date.now();
  await ring.find(used.key);
  await ring.byId(session.record.id);
  await ring.find(`vls_${unused.record.id}_${'x'.repeat(43)}`);
  const uses = await until(async () => parseKeyUse(await readFile(useFileOf(path), 'utf8')));
  expect(Object.keys(uses).sort()).toEqual([used.record.id, session.record.id].sort());
  expect(Date.parse(uses[used.record.id] ?? '')).toBeGreaterThanOrEqual(before);
  expect((await stat(useFileOf(path))).mode & 0o777).toBe(0o600);
});
