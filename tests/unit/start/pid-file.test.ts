import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPidFile, writePidFile } from '../../../start/pid-file.ts';
import { untilGone } from '../../../start/process-birth.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'vls-pid-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('the noted process is found while it lives and not after', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const file = join(directory, 'alive');
  writePidFile(file, child.pid ?? 0);
  expect(readPidFile(file)).toBe(child.pid);
  child.kill('SIGKILL');
  await untilGone(child.pid ?? 0);
  expect(readPidFile(file)).toBeUndefined();
});

test('a process that has only inherited the id is not taken for the noted one', () => {
  const file = join(directory, 'reused');
  writePidFile(file, process.pid);
  const [pid] = readFileSync(file, 'utf8').split(' ');
  writeFileSync(file, `${pid} another birth\n`);
  expect(readPidFile(file)).toBeUndefined();
});

test('a missing or truncated file names no process', () => {
  expect(readPidFile(join(directory, 'missing'))).toBeUndefined();
  writeFileSync(join(directory, 'torn'), '');
  expect(readPidFile(join(directory, 'torn'))).toBeUndefined();
});
