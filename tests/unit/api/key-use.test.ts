import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createKeyUses } from '../../../api/access/key-use.ts';
import { parseKeyUse, useFileOf } from '../../../shared/api-keys.ts';
import { until } from '../../../testing/until.ts';
import { silentLog } from '../../support/silent-log.ts';

const [a, b, gone] = ['aaaaaaaaaaaa', 'bbbbbbbbbbbb', 'cccccccccccc'] as const;
let directory: string;
let keyFile: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vls-use-'));
  keyFile = join(directory, 'keys.jsonl');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const stored = async () => parseKeyUse(await readFile(useFileOf(keyFile), 'utf8').catch(() => ''));

test('the first use is written at once, and those of the next minute together at its end', async () => {
  const uses = createKeyUses(keyFile, () => [a, b], silentLog(), 200);
  uses.record(a);
  await until(async () => expect(Object.keys(await stored())).toEqual([a]));
  const first = await stored();
  for (let n = 0; n < 1_000; n++) uses.record(n % 2 === 0 ? a : b);
  expect(await stored()).toEqual(first);
  await until(async () => expect(Object.keys(await stored())).toEqual([a, b]));
});

test('the later time of each key stays, and the time of a removed key does not', async () => {
  const later = '2099-01-01T00:00:00.000Z';
  const earlier = '2020-01-01T00:00:00.000Z';
  await writeFile(useFileOf(keyFile), JSON.stringify({ [a]: later, [b]: earlier, [gone]: later }));
  const uses = createKeyUses(keyFile, () => [a, b], silentLog());
  uses.record(a);
  uses.record(b);
  await until(async () => expect((await stored())[b]).not.toBe(earlier));
  expect(await stored()).toEqual({ [a]: later, [b]: expect.stringMatching(/^20/) });
});

test('an invalid file is replaced', async () => {
  await writeFile(useFileOf(keyFile), 'not JSON');
  createKeyUses(keyFile, () => [a], silentLog()).record(a);
  await until(async () => expect(Object.keys(await stored())).toEqual([a]));
});

test('a directory that cannot be written is reported once', async () => {
  const log = silentLog();
  const info = vi.spyOn(log, 'info');
  const uses = createKeyUses(join(directory, 'absent', 'keys.jsonl'), () => [a], log, 1);
  uses.record(a);
  await until(() => expect(info).toHaveBeenCalledTimes(1));
  uses.record(a);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(info).toHaveBeenCalledTimes(1);
});
