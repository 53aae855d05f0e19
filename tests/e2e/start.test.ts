import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createClient } from '../../testing/client.ts';
import { captions, type ImageHost, photoNames, readPhoto, startImageHost } from '../../testing/images/host.ts';
import { childrenOf, descendantsOf, isAlive, killFound, processesWith } from '../../testing/processes/tree.ts';
import { until } from '../../testing/until.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** `npm start` as a person runs it: from the bootstrap on, with a Redis of its own. */
interface Started {
  process: ChildProcess;
  url: string;
  output(): string;
}

let dataDir: string;
let host: ImageHost;
let started: Started | undefined;

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'vls-e2e-'));
  host = await startImageHost();
});
afterEach(async () => {
  if (started !== undefined && started.process.exitCode === null) {
    const ended = once(started.process, 'exit');
    started.process.kill('SIGTERM');
    await ended;
  }
  started = undefined;
  await host.close();
  rmSync(dataDir, { recursive: true, force: true });
});

async function start(): Promise<Started> {
  const child = spawn(process.execPath, ['start/bootstrap.js', 'start/main.ts'], {
    cwd: root,
    env: {
      ...process.env,
      PORT: String(await freePort()),
      DATA_DIR: dataDir,
      IMAGE_HOSTS_ALLOW: host.authority,
      FETCH_TIMEOUT_MS: '120000',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const url = await new Promise<string>((resolve, reject) => {
    const read = (data: Buffer) => {
      output += data;
      const page = /Page\s+(http:\/\/[^/]+)\/evaluator\//.exec(output)?.[1];
      if (page !== undefined) resolve(page);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('exit', (code) => reject(new Error(`npm start ended with ${code}:\n${output}`)));
  });
  started = { process: child, url, output: () => output };
  return started;
}

test('npm start prints where to go, scores an upload, and Ctrl-C leaves no process behind', async () => {
  const { process: child, url, output } = await start();
  const form = new FormData();
  form.append('image', new Blob([new Uint8Array(readPhoto('chelsea.jpg'))]), 'chelsea.jpg');
  form.append('text', captions['chelsea.jpg'] ?? '');
  const client = createClient(url);
  const answer = await client.call<{ score: number }>('/v1/evaluation/single', { method: 'POST', body: form });
  expect(answer.body.score).toBeGreaterThan(40);
  for (const path of ['/', '/docs', '/queues', '/health']) expect((await client.call(path)).status, path).toBe(200);
  expect(output()).toContain('curl -F image=@');
  // Log lines would hide the banner. The first one belongs to a request.
  expect(output().split('{"level"')[0]).toMatch(/^\s*Page .*\n {2}Runs on the [CG]PU.*\.\n/s);
  expect(output().split('Page')[0]).not.toContain('"level"');

  // Redis runs in a process group of its own, and is known by the directory it was given.
  const all = [...descendantsOf(child.pid ?? 0), ...processesWith(dataDir)];
  expect(all.length).toBeGreaterThanOrEqual(5);
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  expect((await ended)[0]).toBe(0);
  // An encoder ends by itself when its parent has ended, so it may outlive it for a moment.
  await until(() => !all.some(isAlive));
});

test('a crashed service process is restarted, and its batch continues', async () => {
  const { process: child, url } = await start();
  const client = createClient(url);
  // The images that are held keep the batch running until the service is killed.
  const items = Array.from({ length: 120 }, (_, index) => ({
    image: host.url(`${index < 80 ? '' : 'held/'}${photoNames[index % 6]}?${index}`),
    text: 'a photo',
  }));
  const { body } = await client.batch.post(items);
  await client.batch.until(body.id, ({ items: { succeeded } }) => succeeded > 20);
  const hasEncoders = (pid: number) => childrenOf(pid, 'vls-encoder').length > 0;
  killFound(await until(() => descendantsOf(child.pid ?? 0).find(hasEncoders) ?? false));
  host.release();

  // The same address: a client that polls sees a pause and nothing else.
  await untilAnswering(url);
  const status = await client.batch.finished(body.id);
  expect(status).toMatchObject({ state: 'completed', items: { succeeded: 120, failed: 0, pending: 0 } });
  const results = await client.batch.results(body.id);
  expect(new Set(results.map(({ index }) => index)).size).toBe(120);
});

async function untilAnswering(url: string): Promise<void> {
  await until(async () => (await fetch(`${url}/evaluator/health/ready`)).status === 200);
}

/** A port that was free a moment ago; one that stays the same when the service is started again. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
