import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openKeyRing } from '../../../api/access/key-ring.ts';
import { createKey, entryOfKeyRecord, formatKeyFile, type KeyRecord } from '../../../shared/api-keys.ts';
import { readConfig } from '../../../shared/config.ts';
import { silentLog } from '../../support/silent-log.ts';

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vls-ring-'));
  path = join(directory, 'keys.jsonl');
});
afterEach(() => rm(directory, { recursive: true }));

function make(tenant: string): { key: string; record: KeyRecord } {
  const { key, id, hash } = createKey();
  return { key, record: { id, hash, tenant, role: 'tenant' } };
}
const open = (env: NodeJS.ProcessEnv) => openKeyRing(readConfig(env), silentLog());

test('keys of the environment and of the file are known, and nothing else', async () => {
  const [fixed, filed, other] = [make('fixed'), make('filed'), make('other')];
  await writeFile(path, formatKeyFile([filed.record]));
  const ring = await open({ API_KEYS: entryOfKeyRecord(fixed.record), API_KEYS_FILE: path });
  expect(await ring.find(fixed.key)).toEqual(fixed.record);
  expect(await ring.find(filed.key)).toEqual(filed.record);
  expect(await ring.find(other.key)).toBeUndefined();
  expect(await ring.find(filed.record.hash)).toBeUndefined();
  expect(await ring.find(`${filed.key}x`)).toBeUndefined();
});

test('without file and entries no keys are required; with a file that is not there yet they are', async () => {
  expect((await open({})).required).toBe(false);
  const ring = await open({ API_KEYS_FILE: path });
  expect(ring.required).toBe(true);
  const { key, record } = make('late');
  expect(await ring.find(key)).toBeUndefined();
  await writeFile(path, formatKeyFile([record]));
  expect(await ring.find(key)).toEqual(record);
  // Keys that are gone open nothing.
  await rm(path);
  expect(ring.required).toBe(true);
  while ((await ring.find(key)) !== undefined);
});

test('a file that is damaged while it runs keeps its keys; at the start it is refused, and not quoted', async () => {
  const { key, record } = make('ours');
  await writeFile(path, formatKeyFile([record]));
  const ring = await open({ API_KEYS_FILE: path });
  await writeFile(path, `${formatKeyFile([record])}{"id":"secret`);
  // An unknown key has the file read at once.
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
