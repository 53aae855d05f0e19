import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Finding } from '../../../cli/doctor/examine.ts';
import { claimDataDir } from '../../../start/data-dir.ts';
import { startCluster } from '../../../testing/redis/cluster.ts';
import { startRedis, type TestRedis } from '../../../testing/redis/single.ts';
import { realRepositories } from '../../support/hub/real-repositories.ts';
import { startHub } from '../../support/hub/server.ts';

const cli = fileURLToPath(new URL('../../../cli/main.ts', import.meta.url));
let dataDir: string;
let redis: TestRedis;
beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'vls-doctor-'));
  redis = await startRedis();
});
afterAll(async () => {
  rmSync(dataDir, { recursive: true });
  await redis.remove();
});

/** Nothing listens there. */
const noHub = 'http://127.0.0.1:1';

async function doctor(env: Record<string, string>): Promise<{ code: number; findings: Map<string, Finding> }> {
  return await new Promise((resolve) => {
    execFile(
      process.execPath,
      [cli, 'doctor', '--json'],
      { env: { ...process.env, DATA_DIR: dataDir, PORT: '1', HF_ENDPOINT: noHub, ...env } },
      (error, stdout) => {
        const { findings } = JSON.parse(stdout) as { findings: Finding[] };
        resolve({
          code: typeof error?.code === 'number' ? error.code : 0,
          findings: new Map(findings.map((finding) => [finding.subject, finding])),
        });
      },
    );
  });
}

test('doctor ends quietly when its reader has gone', async () => {
  const child = spawn(process.execPath, [cli, 'doctor'], {
    env: { ...process.env, DATA_DIR: dataDir, PORT: '1', HF_ENDPOINT: noHub },
  });
  child.stdout.destroy();
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});

test('a misspelt setting is a warning with the right name', async () => {
  const { code, findings } = await doctor({ IMAGE_HOSTS_ALOW: 'a.test' });
  expect(code).toBe(0);
  expect(findings.get('settings')).toEqual({
    subject: 'settings',
    state: 'warn',
    detail: 'IMAGE_HOSTS_ALOW is not a setting and has no effect',
    remedy: 'rename it to IMAGE_HOSTS_ALLOW, if that is the setting you mean',
  });
});

test('doctor says what this machine has: processors, memory, disk, devices, the embedded model and its shape', async () => {
  const { code, findings } = await doctor({});
  expect(code).toBe(0);
  expect(findings.get('processors')?.detail).toMatch(/^\d+ usable of \d+/);
  expect(findings.get('data directory')?.detail).toContain(dataDir);
  expect(findings.get('device used')).toMatchObject({ state: 'ok' });
  expect(findings.get('model compact')?.detail).toMatch(/compact-1 1, fp32, \d+ encoders? with \d+ threads? each/);
  expect(findings.get('model fast')?.detail).toContain(`models pull vit-b-32 --data-dir ${dataDir}\``);
  expect(findings.get('service')).toMatchObject({
    state: 'none',
    remedy: expect.stringMatching(/^start it with `.*vls(\.js)? start`$/),
  });
  expect(findings.get('model fast')).toMatchObject({ state: 'none' });
  expect(findings.get('device cuda')).toMatchObject({ state: 'none' });
});

test('doctor names the address of the service of the data directory, if nothing answers at the default one', async () => {
  const running = claimDataDir(dataDir, { minFreeBytes: 0 });
  onTestFinished(running.release);
  running.recordAddress('http://127.0.0.1:8123');
  const { findings } = await doctor({});
  expect(findings.get('service')).toMatchObject({
    state: 'warn',
    detail: expect.stringContaining('; the service of this directory answers at http://127.0.0.1:8123'),
    remedy: 'set VLS_URL or --url to http://127.0.0.1:8123',
  });
  const named = await doctor({ VLS_URL: 'http://127.0.0.1:1' });
  expect(named.findings.get('service')?.remedy).toBe('start the service there, or correct VLS_URL');
});

test('doctor reports the hub, its route and the pulled models; an unreachable hub is not a failure', async () => {
  const hub = await startHub(realRepositories);
  const reached = (await doctor({ HF_ENDPOINT: hub.url })).findings.get('model hub');
  expect(reached).toMatchObject({ state: 'ok', detail: `${hub.url} answers, directly; pulled: none` });
  expect(hub.requests.every(({ method }) => method === 'HEAD')).toBe(true);

  const absent = await doctor({ HTTP_PROXY: 'http://user:geheim@127.0.0.1:1' });
  expect(absent.code).toBe(0);
  const finding = absent.findings.get('model hub');
  expect(finding).toMatchObject({ state: 'none', detail: expect.stringContaining('through the proxy 127.0.0.1:1') });
  expect(JSON.stringify(finding)).not.toContain('geheim');
  expect(finding?.remedy).toMatch(/^Check the connection/);
  expect(finding?.remedy).not.toMatch(/doctor|stored/);

  const folder = (await doctor({ HF_OFFLINE_DIR: dataDir })).findings.get('model hub');
  expect(folder).toMatchObject({ detail: expect.stringContaining('a directory (HF_OFFLINE_DIR)') });
});

test('doctor looks into the Redis that is configured', async () => {
  const { findings } = await doctor({ REDIS_URL: redis.url });
  expect(findings.get('Redis')).toMatchObject({ state: 'ok', detail: expect.stringMatching(/^\d+\.\d+/) });
  expect(findings.get('Redis eviction')).toMatchObject({ state: 'ok', detail: 'noeviction' });
  expect(findings.has('Redis durability')).toBe(true);
});

test('doctor looks into every master of a cluster, and the weakest counts', async () => {
  const cluster = await startCluster();
  onTestFinished(() => cluster.remove());
  const { findings } = await doctor({ REDIS_URL: cluster.url });
  expect(findings.get('Redis')).toMatchObject({
    state: 'ok',
    detail: expect.stringMatching(/, a cluster of 3 masters$/),
  });
  expect(findings.get('Redis durability')).toMatchObject({ state: 'ok', detail: 'always' });
  const weakest = cluster.servers[1]?.connect();
  await weakest?.config('SET', 'appendfsync', 'everysec', 'maxmemory-policy', 'allkeys-lru');
  weakest?.disconnect();
  const later = await doctor({ REDIS_URL: cluster.url });
  expect(later.code).toBe(1);
  expect(later.findings.get('Redis durability')).toMatchObject({ state: 'warn', detail: 'everysec' });
  expect(later.findings.get('Redis eviction')).toMatchObject({
    state: 'fail',
    detail: expect.stringContaining('allkeys-lru'),
  });
});

test('doctor fails, with what to do, when Redis does not answer', async () => {
  const { code, findings } = await doctor({ REDIS_URL: 'redis://127.0.0.1:1' });
  expect(code).toBe(1);
  expect(findings.get('Redis')).toMatchObject({
    state: 'fail',
    detail: expect.stringContaining('ECONNREFUSED'),
    remedy: expect.stringContaining('REDIS_URL'),
  });
});

describe('for a requested device that is not available', () => {
  const device = process.platform === 'win32' ? 'coreml' : 'dml';

  test('doctor fails, and says that the service would not start', async () => {
    const { code, findings } = await doctor({ DEVICE: device });
    expect(code).toBe(1);
    expect(findings.get(`device ${device}`)?.state).toBe('fail');
    expect(findings.get('device used')).toMatchObject({
      state: 'fail',
      detail: expect.stringMatching(/^no device can be used, so the service would not start: .*DEVICE_FALLBACK=1/),
    });
  });

  test('doctor warns where the CPU may take its place, and says so', async () => {
    const { code, findings } = await doctor({ DEVICE: device, DEVICE_FALLBACK: '1' });
    expect(code).toBe(0);
    expect(findings.get(`device ${device}`)?.state).toBe('warn');
    expect(findings.get('device used')).toMatchObject({ state: 'ok', detail: expect.stringMatching(/^cpu: fallback/) });
  });
});
