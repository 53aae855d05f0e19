import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findProgram, findRedisServer } from '../../../start/redis/find.ts';
import { createClient } from '../../../testing/client.ts';
import { captions, type ImageHost, photoNames, readPhoto, startImageHost } from '../../../testing/images/host.ts';
import { until } from '../../../testing/until.ts';
import { type BuiltImage, buildImage, hostEnvironment } from './image-build.ts';

/**
 * The image without an engine: the instructions of deploy/Dockerfile fill a directory, and its entry point is started
 * there as the image's user (where this process is root), with the image's environment and deploy/redis/redis.conf.
 */
const root = fileURLToPath(new URL('../../..', import.meta.url));
const isRoot = process.getuid?.() === 0;

const registry = spawnSync('npm', ['view', 'p-limit', 'version'], { cwd: root, encoding: 'utf8', timeout: 30_000 });
if (registry.status !== 0) console.log('Skipped: the image is not built, because no npm registry answers.');

let directory: string;
let image: BuiltImage;
let host: ImageHost;
const running: ChildProcess[] = [];

/** Starts a program in a container's manner; ended after the tests if it is still there. */
function launch(
  command: string[],
  environment: Record<string, string>,
  asUser = true,
): ChildProcess & { said(): string } {
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    cwd: join(image.root, image.workdir),
    env: { ...hostEnvironment(), ...inside(image.environment), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(isRoot && asUser && { uid: Number(image.user.split(':')[0]), gid: Number(image.user.split(':')[1]) }),
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data: Buffer) => (output += data));
  running.push(child);
  return Object.assign(child, { said: () => output });
}

/** Absolute directories of the image as this machine sees them. */
const inside = (environment: Record<string, string>) => ({
  ...environment,
  DATA_DIR: join(image.root, environment['DATA_DIR'] ?? ''),
  NODE_COMPILE_CACHE: join(directory, environment['NODE_COMPILE_CACHE'] ?? ''),
});

async function untilReady(
  child: ChildProcess & { said(): string },
  environment: Record<string, string>,
): Promise<void> {
  const isHealthy = await until(async () => {
    const [code] = await once(launch(image.healthcheck, environment), 'exit');
    return (code === 0 && 'healthy') || (child.exitCode !== null && 'ended');
  });
  if (isHealthy === 'ended') throw new Error(`It ended before it was healthy:\n${child.said()}`);
}

async function stop(child: ChildProcess): Promise<number | null> {
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
  return child.exitCode;
}

async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return String(port);
}

/** Lists the files in the image's root, without its data, with their modification times. */
function contents(): string[] {
  return readdirSync(image.root, { recursive: true, encoding: 'utf8' })
    .filter((path) => !path.startsWith('data'))
    .map((path) => {
      const found = statSync(join(image.root, path), { throwIfNoEntry: false });
      return `${path} ${found?.mtimeMs} ${found?.size}`;
    });
}

describe.skipIf(registry.status !== 0)('the image that deploy/Dockerfile makes', () => {
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'vls-image-'));
    chmodSync(directory, 0o755);
    image = buildImage(root, 'deploy/Dockerfile', directory);
    host = await startImageHost();
  }, 600_000);
  afterAll(async () => {
    for (const child of running) if (child.exitCode === null && child.signalCode === null) await stop(child);
    await host?.close();
    rmSync(directory, { recursive: true, force: true });
    // Thousands of files, on a disk that may be busy.
  }, 600_000);

  test('needs of its base system what this machine has', () => {
    expect(image.systemPackages).toEqual(['redis-server']);
    expect(findProgram('redis-server') ?? findRedisServer()).toBeDefined();
  });

  test('holds production packages alone, for one platform, and the built page', () => {
    const app = join(image.root, 'app');
    const packages = readdirSync(join(app, 'node_modules'));
    for (const tool of ['vitest', 'vite', 'typescript', '@typescript', '@biomejs', 'playwright-core']) {
      expect(packages).not.toContain(tool);
    }
    expect(existsSync(join(app, 'node_modules/node/bin/node'))).toBe(false);
    const platforms = readdirSync(join(app, 'node_modules/onnxruntime-node/bin/napi-v6'), { recursive: true });
    expect(platforms.filter((path) => String(path).endsWith('onnxruntime_binding.node'))).toEqual([
      join(process.platform, process.arch, 'onnxruntime_binding.node'),
    ]);
    expect(readdirSync(app)).not.toContain('tests');
    const files = readdirSync(join(app, 'node_modules'), { recursive: true, encoding: 'utf8' });
    expect(files.filter((path) => /\.(map|d\.[cm]?ts)$/.test(path))).toEqual([]);
    expect(existsSync(join(app, 'web/dist/index.html'))).toBe(true);
  });

  test('scores a single pair and a batch as API and worker over the Redis of deploy/redis, and writes nowhere else', async () => {
    const before = contents();
    const [redisPort, port, metricsPort] = await Promise.all([freePort(), freePort(), freePort()]);
    const redisData = mkdtempSync(join(directory, 'redis-'));
    const conf = join(root, 'deploy/redis/redis.conf');
    const server = findRedisServer() ?? 'redis-server';
    const redisServer = launch(
      [server, conf, '--port', redisPort, '--dir', redisData, '--bind', '127.0.0.1'],
      {},
      false,
    );
    const settings = {
      HOST: '127.0.0.1',
      PORT: port,
      METRICS_PORT: metricsPort,
      REDIS_URL: `redis://127.0.0.1:${redisPort}`,
      IMAGE_HOSTS_ALLOW: host.authority,
      ENCODERS: '1',
    };
    const redis = new Redis(settings.REDIS_URL, { retryStrategy: () => 20, maxRetriesPerRequest: null });
    redis.on('error', () => {});
    const died = once(redisServer, 'exit').then(() => Promise.reject(new Error(redisServer.said())));
    await Promise.race([redis.ping(), died]);
    died.catch(() => {});
    const [, appendfsync] = (await redis.config('GET', 'appendfsync')) as string[];
    const [, policy] = (await redis.config('GET', 'maxmemory-policy')) as string[];
    expect([appendfsync, policy]).toEqual(['always', 'noeviction']);
    redis.disconnect();

    const api = launch([...image.entrypoint, 'api'], settings);
    // Each is alone in its container, where the other's port is closed.
    await untilReady(api, { ...settings, METRICS_PORT: '1' });
    const worker = launch([...image.entrypoint, 'worker'], settings);
    await untilReady(worker, { ...settings, PORT: '1' });

    const client = createClient(`http://127.0.0.1:${port}`);
    const [photo = ''] = photoNames;
    const single = await client.single({ image: readPhoto(photo).toString('base64'), text: captions[photo] });
    expect(single.status).toBe(200);
    expect(single.body.score).toBeGreaterThan(35);

    const items = photoNames.map((name) => ({ image: host.url(name), text: captions[name] }));
    const posted = await client.batch.post([...items, { image: host.url('missing.jpg'), text: 'nothing' }]);
    const finished = await client.batch.finished(posted.body.id);
    expect(finished).toMatchObject({
      state: 'completed_with_errors',
      items: { total: items.length + 1, succeeded: items.length, failed: 1 },
    });
    const health = await client.health();
    expect(health.body).toMatchObject({ status: 'ok', workers: 1 });
    const page = await client.call<string>('/');
    expect(page.body).toContain('<html');

    expect(await Promise.all([stop(api), stop(worker)])).toEqual([0, 0]);
    const check = launch(image.healthcheck, settings);
    expect((await once(check, 'exit'))[0]).toBe(1);
    expect(contents()).toEqual(before);
  });

  test('scores as a single container with a Redis of its own, which its command is when none is given', async () => {
    const before = contents();
    const settings = { HOST: '127.0.0.1', PORT: await freePort(), METRICS_PORT: '1', ENCODERS: '1' };
    const combined = launch([...image.entrypoint, ...image.command], settings);
    await untilReady(combined, settings);
    const client = createClient(`http://127.0.0.1:${settings.PORT}`);
    const [photo = ''] = photoNames;
    const item = { image: readPhoto(photo).toString('base64'), text: captions[photo] };
    const posted = await client.batch.post([item]);
    expect((await client.batch.finished(posted.body.id)).state).toBe('completed');
    expect(await stop(combined)).toBe(0);
    expect(contents()).toEqual(before);
  });

  test('refuses to listen beyond loopback unless that is meant', async () => {
    const child = launch([...image.entrypoint, 'api'], { PORT: '0', REDIS_URL: 'redis://127.0.0.1:1' });
    expect((await once(child, 'exit'))[0]).toBe(1);
    expect(child.said()).toContain('ALLOW_ANONYMOUS=1');
  });

  test('is the command line as well, and names its commands when it gets another', async () => {
    const vls = launch([...image.entrypoint, 'vls', '--version'], {});
    expect((await once(vls, 'exit'))[0]).toBe(0);
    expect(vls.said()).toMatch(/^\d+\.\d+\.\d+/);
    const wrong = launch([...image.entrypoint, 'wroker'], {});
    expect((await once(wrong, 'exit'))[0]).toBe(2);
    expect(wrong.said()).toContain('api, worker, combined, vls');
  });
});
