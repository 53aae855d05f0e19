import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { takeLock, tryLock } from '../../../shared/file-lock.ts';

const directory = mkdtempSync(join(tmpdir(), 'vls-lock-'));
afterAll(() => rmSync(directory, { recursive: true }));
let made = 0;
const newFile = () => join(directory, String(made++));

/** Another process that holds the lock until it is killed. */
async function holderOf(file: string) {
  const script = `
    const { tryLock } = await import(${JSON.stringify(new URL('../../../shared/file-lock.ts', import.meta.url))});
    globalThis.held = tryLock(${JSON.stringify(file)});
    console.log(held === undefined ? 'refused' : 'held');
    setInterval(() => {}, 1e6);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [answer] = await once(child.stdout, 'data');
  return { answer: String(answer).trim(), child };
}

test('one holder has the lock until it frees it', () => {
  const file = newFile();
  const release = tryLock(file);
  expect(tryLock(file)).toBeUndefined();
  release?.();
  const again = tryLock(file);
  expect(again).toBeDefined();
  again?.();
});

test('another process is refused, and a holder that was killed holds nothing', async () => {
  const file = newFile();
  const { answer, child } = await holderOf(file);
  expect(answer).toBe('held');
  expect(tryLock(file)).toBeUndefined();
  expect((await holderOf(file)).answer).toBe('refused');
  const waits = vi.fn();
  const taken = takeLock(file, waits);
  await expect.poll(() => waits.mock.calls.length).toBe(1);
  child.kill('SIGKILL');
  (await taken)();
});

test('those that wait take it one after the other, and say once that they wait', async () => {
  const file = join(newFile(), 'made with its directory');
  const first = await takeLock(file, () => {});
  const order: string[] = [];
  let holders = 0;
  const waits = vi.fn();
  const take = async (name: string) => {
    const release = await takeLock(file, waits);
    expect(++holders).toBe(1);
    order.push(name);
    await new Promise(setImmediate);
    holders--;
    release();
  };
  const all = Promise.all(['a', 'b', 'c'].map(take));
  await expect.poll(() => waits.mock.calls.length).toBe(3);
  first();
  await all;
  expect(order.toSorted()).toEqual(['a', 'b', 'c']);
  expect(waits).toHaveBeenCalledTimes(3);
});

test('a wait ends with its signal, and leaves the lock to others', async () => {
  const file = newFile();
  const release = tryLock(file);
  const abort = new AbortController();
  const waiting = takeLock(file, () => abort.abort(), abort.signal);
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  release?.();
  expect(tryLock(file)).toBeDefined();
});

test('a file that cannot be locked is an error, not a lock that another holds', () => {
  const file = newFile();
  mkdirSync(file);
  expect(() => tryLock(file)).toThrow();
});
