import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const fixture = (name: string) => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
const secrets = {
  WEBHOOK_SECRET: `whsec_${'c2VjcmV0'.repeat(6)}`,
  METRICS_TOKEN: 'a-secret-of-the-service',
  REDIS_URL: 'redis://:a-secret-of-the-service@127.0.0.1:1',
  AWS_SECRET_ACCESS_KEY: 'a-secret-of-the-service',
  HF_TOKEN: 'a-secret-of-the-service',
};

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'vls-home-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

/**
 * Runs a program with a home and a temporary directory of its own. The variables that suppress the telemetry of ONNX
 * Runtime are removed: a test that runs under CI must see what a user sees.
 */
async function run(program: string, args: string[], more: NodeJS.ProcessEnv = {}) {
  const { CI, GITHUB_ACTIONS, TF_BUILD, ORT_DISABLE_TELEMETRY, ORT_RUNNING_UNIT_TESTS, ...env } = process.env;
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...env, HOME: home, TMPDIR: home, XDG_CACHE_HOME: undefined, ...more },
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const [code, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return stdout;
}

/** All that was written below the home and the temporary directory. */
const written = () => readdirSync(home, { recursive: true }).map(String);

test.runIf(process.platform === 'linux')('an encoder process holds no secret of the service', async () => {
  const entries = JSON.parse(await run(process.execPath, [fixture('encode-once.ts')], secrets)) as string[];
  expect(entries).toContain('ORT_DISABLE_TELEMETRY=1');
  expect(entries).toContain(`PATH=${process.env['PATH']}`);
  expect(entries.map((entry) => entry.split('=')[0]).filter((name) => name !== undefined && name in secrets)).toEqual(
    [],
  );
  expect(entries.filter((entry) => entry.includes('a-secret'))).toEqual([]);
});

test('ONNX Runtime writes no telemetry database and no device id', async () => {
  await run(process.execPath, [fixture('encode-once.ts')]);
  expect(written()).toEqual([]);
});

test('the library sends no telemetry in a process started without the variable', async () => {
  await run(process.execPath, [fixture('one-session.ts'), 'ours']);
  expect(written()).toEqual([]);
});

/** Fails every connection and every datagram, so that nothing leaves this machine. */
const cutOff = ['-e', 'inject=connect,sendto,sendmmsg,sendmsg:error=ENETUNREACH'];
const traced = (file: string, args: string[]) => [
  ...['-f', '-qq', '-o', file, '-e', 'trace=connect,sendto,sendmmsg,sendmsg', ...cutOff],
  ...[process.execPath, ...args],
];
const canTrace = spawnSync('strace', ['-f', '-qq', '-o', '/dev/null', '-e', 'trace=connect', 'true']).status === 0;
if (!canTrace)
  console.log('Skipped: network calls of encoder processes are traced with strace, which cannot be used here');

/** Connections and look-ups beyond this machine. */
const outward = (file: string): string[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => /AF_INET/.test(line));

test.runIf(canTrace)('an encoder process makes no connection and no look-up until it has ended', async () => {
  const trace = join(home, 'trace');
  await run('strace', traced(trace, [fixture('encode-once.ts')]));
  expect(outward(trace)).toEqual([]);
});

test.runIf(canTrace)('these tests detect the telemetry of a library that sends it', async () => {
  await run('strace', traced(join(home, 'trace'), [fixture('one-session.ts'), 'as it comes']));
  expect(written().filter((path) => path.endsWith('onnxruntime.db') || path.includes('mat-debug'))).not.toEqual([]);
});
