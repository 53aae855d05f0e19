import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { claimDataDir } from '../../../start/data-dir.ts';
import { findRunningService } from '../../../start/running-service.ts';
import { start, temporaryDirectory } from './started.ts';

const fixture = fileURLToPath(new URL('./fixtures/claim-data-dir.ts', import.meta.url));
const claimer = (path: string) => start(process.execPath, [fixture, path]);

test('a second start is refused with the process that holds the directory', async () => {
  const path = temporaryDirectory();
  const holder = claimer(path);
  await holder.said(/held/);
  expect(() => claimDataDir(path)).toThrow(
    `${path} is in use by another running service (process ${holder.pid}). Stop that service, or set DATA_DIR to another directory.`,
  );
});

test('a second start is refused with the address of the running service, and not with that of an earlier one', () => {
  const path = temporaryDirectory();
  const first = claimDataDir(path);
  first.recordAddress('http://127.0.0.1:8123');
  expect(() => claimDataDir(path)).toThrow('It answers at http://127.0.0.1:8123. Stop that service, or');
  first.release();
  const second = claimDataDir(path);
  expect(() => claimDataDir(path)).toThrow(/\(process \d+\)\. Stop that service, or/);
  second.release();
});

test('a holder that was killed holds nothing', async () => {
  const path = temporaryDirectory();
  const holder = claimer(path);
  await holder.said(/held/);
  process.kill(holder.pid, 'SIGKILL');
  await holder.ended;
  claimDataDir(path).release();
});

test('the address of the running service is found, and not that of a stopped one or of one that was killed', async () => {
  const path = temporaryDirectory();
  expect(findRunningService(path)).toBeUndefined();
  const stopped = claimDataDir(path);
  stopped.recordAddress('http://127.0.0.1:8123');
  expect(findRunningService(path)).toBe('http://127.0.0.1:8123');
  stopped.release();
  expect(findRunningService(path)).toBeUndefined();
  const killed = claimer(path);
  await killed.said(/held/);
  writeFileSync(join(path, 'start.url'), 'http://127.0.0.1:8123');
  expect(findRunningService(path)).toBe('http://127.0.0.1:8123');
  process.kill(killed.pid, 'SIGKILL');
  await killed.ended;
  expect(findRunningService(path)).toBeUndefined();
});

test('a released directory can be claimed again', () => {
  const path = temporaryDirectory();
  claimDataDir(path).release();
  claimDataDir(path).release();
});

test('of several starts at the same time exactly one gets the directory', async () => {
  const path = temporaryDirectory();
  const claimers = Array.from({ length: 6 }, () => claimer(path));
  const answers = await Promise.all(claimers.map(async ({ said }) => (await said(/held|refused/))[0]));
  expect(answers.filter((answer) => answer === 'held')).toHaveLength(1);
});

test('the directory is made when it is missing', () => {
  claimDataDir(join(temporaryDirectory(), 'a', 'b')).release();
});

test('a directory that cannot be written is one clear line', () => {
  const file = join(temporaryDirectory(), 'file');
  writeFileSync(file, '');
  expect(() => claimDataDir(join(file, 'data'))).toThrow(
    `Cannot write in ${join(file, 'data')} (ENOTDIR). Make it writable, or set DATA_DIR to a writable directory.`,
  );
});

test('a disk that is nearly full is one clear line', () => {
  const path = temporaryDirectory();
  expect(() => claimDataDir(path, { minFreeBytes: Number.MAX_SAFE_INTEGER })).toThrow(
    /^Only \d+ MiB are free on the disk of .* needs \d+ MiB\./,
  );
});
