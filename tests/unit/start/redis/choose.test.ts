import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { chooseRedis } from '../../../../start/redis/choose.ts';
import { StartError } from '../../../../start/start-error.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'vls-choose-'));
  mkdirSync(join(directory, 'bin'));
  // Nothing of this machine is found: what is "installed" is what the test puts there.
  vi.stubEnv('PATH', join(directory, 'bin'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true, force: true });
});

/** Puts a shell script on the search path. */
function fakeProgram(name: string, body: string): string {
  const path = join(directory, 'bin', name);
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
}

const redisOf = (version: string) =>
  `echo "Redis server v=${version} sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=0"`;
const choose = (say: (line: string) => void = () => {}) => chooseRedis(join(directory, 'redis'), say);

test('an installed redis-server is used', async () => {
  const program = fakeProgram('redis-server', redisOf('7.0.15'));
  const { server, check } = await choose();
  await check();
  expect(server.command[0]).toBe(program);
  expect(server.url).toBe(join(directory, 'redis', 'redis.sock'));
});

test('valkey-server is as good as redis-server', async () => {
  const program = fakeProgram(
    'valkey-server',
    'echo "Valkey server v=8.0.1 sha=00000000:0 malloc=libc bits=64 build=0"',
  );
  const { server, check } = await choose();
  await check();
  expect(server.command[0]).toBe(program);
});

test('an installed redis-server older than 6.2 is refused with its version in one line', async () => {
  const program = fakeProgram('redis-server', redisOf('6.0.16'));
  const { check } = await choose();
  await expect(check()).rejects.toThrow(
    new StartError(
      `${program} is version 6.0.16; version 6.2 or newer is required. Upgrade it, or set REDIS_URL to a newer Redis.`,
    ),
  );
});

test.runIf(process.getuid?.() === 0 && process.platform === 'linux')(
  'without one, the package manager installs it, quietly and after a refresh',
  async () => {
    const log = join(directory, 'log');
    vi.stubEnv('PATH', `${join(directory, 'bin')}:${join(directory, 'system')}`);
    fakeProgram('env', `while [ "\${1#*=}" != "$1" ]; do export "$1"; shift; done; exec "$@"`);
    fakeProgram('systemctl', 'exit 0');
    fakeProgram(
      'apt-get',
      `echo "$1 $DEBIAN_FRONTEND $RUNLEVEL" >> ${log}
if [ "$1" = update ]; then : > ${directory}/lists; exit 0; fi
[ -e ${directory}/lists ] || { echo "E: Unable to locate package redis-server" >&2; exit 100; }
echo '#!/bin/sh
${redisOf('7.0.15')}' > ${directory}/bin/redis-server
/bin/chmod 755 ${directory}/bin/redis-server`,
    );
    const lines: string[] = [];
    const { server } = await choose((line) => lines.push(line));
    expect(server.command[0]).toBe(join(directory, 'bin', 'redis-server'));
    expect(lines).toEqual(['Redis is not installed; installing it with apt-get (once)…']);
    expect(readFileSync(log, 'utf8').trim().split('\n')).toEqual([
      'install noninteractive 1',
      'update noninteractive 1',
      'install noninteractive 1',
    ]);
  },
);

test('where nothing can be installed, a Docker engine that answers runs it, on loopback and with the password off the command line', async () => {
  fakeProgram('docker', '[ "$1" = version ] && echo 28.0.0');
  const { server } = await choose();
  const url = new URL(server.url);
  expect(url.hostname).toBe('127.0.0.1');
  expect(url.password).toMatch(/^[0-9a-f]{48}$/);
  expect(server.command).toContain(`127.0.0.1:${url.port}:6379`);
  expect(server.command.join(' ')).not.toContain(url.password);
});

test('when no Redis can be found or installed, one message says what to do', async () => {
  fakeProgram('docker', 'echo "Cannot connect to the Docker daemon" >&2; exit 1');
  await expect(choose()).rejects.toThrow(/^Redis is required but not installed .* Install it: .* or set REDIS_URL\.$/);
});
