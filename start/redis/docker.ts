import { execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { childEnvironment } from '../../shared/child-environment.js';
import { readPidFile } from '../pid-file.ts';
import { writeRedisConf } from './conf.ts';
import type { RedisServer } from './server.ts';

/** A test keeps this equal to the image in deploy/images.json. */
const IMAGE = 'redis:8.2.10@sha256:164c759a0c342ee69d08fc99219382b0fd682181465c0df2e0e6911f4c85d73c';
const ENGINE_ANSWER_MS = 5_000;
const run = promisify(execFile);

export async function dockerAnswers(): Promise<boolean> {
  const version = ['version', '--format', '{{.Server.Version}}'];
  return run('docker', version, { timeout: ENGINE_ANSWER_MS, env: childEnvironment('docker') }).then(
    () => true,
    () => false,
  );
}

/**
 * Describes a Redis in a container, with a random password and reachable only from this machine. The docker CLI in the
 * foreground ends with the container and forwards SIGTERM, so it can be supervised like Redis.
 */
export async function dockerRedis(redisDir: string): Promise<RedisServer> {
  mkdirSync(redisDir, { recursive: true, mode: 0o700 });
  const pidFile = join(redisDir, 'redis.pid');
  const url = await chooseUrl(join(redisDir, 'docker-url'), readPidFile(pidFile) !== undefined);
  const { port, password } = new URL(url);
  const container = `vls-redis-${createHash('sha256').update(redisDir).digest('hex').slice(0, 12)}`;
  const owner = process.getuid === undefined ? [] : ['--user', `${process.getuid()}:${process.getgid?.()}`];
  const options = [
    '--rm',
    '--name',
    container,
    ...owner,
    '--publish',
    `127.0.0.1:${port}:6379`,
    '--volume',
    `${redisDir}:/data:Z`,
  ];
  return {
    url,
    command: ['docker', 'run', ...options, IMAGE, 'redis-server', '/data/redis.conf'],
    logFile: join(redisDir, 'redis.log'),
    pidFile,
    prepare: async () => {
      // Removes the container of an earlier start whose docker CLI was killed. Every acknowledged write is on disk.
      await run('docker', ['rm', '--force', container], { env: childEnvironment('docker') }).catch(() => {});
      // Every user of the machine could read a password on the command line.
      writeRedisConf(join(redisDir, 'redis.conf'), {
        port: '6379',
        bind: '0.0.0.0',
        requirepass: password,
        dir: '/data',
      });
    },
    findStray: async () => undefined,
    kill: () => {
      const options = { stdio: 'ignore', detached: true, env: childEnvironment('docker') } as const;
      spawn('docker', ['kill', container], options).on('error', () => {});
    },
  };
}

/** Returns the URL of Redis: that of a running container, or one with a new port and password. */
async function chooseUrl(file: string, isRunning: boolean): Promise<string> {
  if (isRunning) return readFileSync(file, 'utf8').trim();
  const url = `redis://:${randomBytes(24).toString('hex')}@127.0.0.1:${await freePort()}`;
  writeFileSync(file, `${url}\n`, { mode: 0o600 });
  return url;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
