import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readMetricsToken } from '../../../api/access/metrics-token.ts';
import { ConfigError, readConfig } from '../../../shared/config.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'vls-token-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

async function tokenOf(content: string | undefined, inVariable = ''): Promise<string | undefined> {
  const file = join(directory, 'token');
  if (content === undefined) rmSync(file, { force: true });
  else writeFileSync(file, content);
  return await readMetricsToken(readConfig({ METRICS_TOKEN_FILE: file, METRICS_TOKEN: inVariable }));
}

test('the token is the content of the file, without the line break that editors add', async () => {
  expect(await tokenOf('a-token-of-16-or-more\n')).toBe('a-token-of-16-or-more');
  expect(await tokenOf('a-token-of-16-or-more', 'another-token-of-16')).toBe('a-token-of-16-or-more');
});

test('an empty file is no token: without keys, compose mounts one', async () => {
  expect(await tokenOf('')).toBeUndefined();
  expect(await tokenOf('\n', 'another-token-of-16')).toBe('another-token-of-16');
});

test('a short token and a missing file are errors that name the setting and not the token', async () => {
  await expect(tokenOf('short-one')).rejects.toThrow(/^METRICS_TOKEN_FILE=.*at least 16 characters/);
  await expect(tokenOf('short-one')).rejects.not.toThrow(/short-one/);
  await expect(tokenOf(undefined)).rejects.toThrow(ConfigError);
});
