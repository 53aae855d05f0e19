import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { socketPathFor } from '../../../../start/redis/socket-path.ts';

test('the socket lies in the directory of Redis', () => {
  expect(socketPathFor('/srv/vls/.data/redis')).toBe('/srv/vls/.data/redis/redis.sock');
});

test('a path too long for a socket is replaced by a private temporary one, the same every time', () => {
  const long = join(mkdtempSync(join(tmpdir(), 'vls-long-')), 'x'.repeat(100));
  onTestFinished(() => rmSync(dirname(long), { recursive: true }));
  const path = socketPathFor(long);
  onTestFinished(() => rmSync(dirname(path), { recursive: true }));
  expect(Buffer.byteLength(path)).toBeLessThanOrEqual(100);
  expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
  expect(socketPathFor(long)).toBe(path);
});
