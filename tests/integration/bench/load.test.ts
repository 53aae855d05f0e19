import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

/** The part of results.json that is looked at. */
interface Measured {
  scenario: string;
  errorShare: number;
  batches?: { count: number };
}

/** `npm run load` against a service that answers at once: what it sends, and what it makes of the answers. */
const main = fileURLToPath(new URL('../../../bench/load/main.ts', import.meta.url));
const out = mkdtempSync(join(tmpdir(), 'vls-load-'));
const requests: { method: string; path: string; key: string; body: string }[] = [];
let failing = false;
let endless = false;
let polls = 0;

const server = createServer((request, response) => {
  void text(request).then((body) => {
    const { method = '', url = '', headers } = request;
    requests.push({ method, path: url, key: headers.authorization ?? '', body });
    const status = failing ? 503 : url.endsWith('/batch') ? 202 : 200;
    // A batch ends when its status is asked for the second time.
    const finishedAt = method === 'GET' && ++polls % 2 === 0 && !endless ? new Date().toISOString() : null;
    const items = { total: 64, failed: 0 };
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ id: 'b1', finishedAt, items }));
  });
});
let url: string;
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(out, { recursive: true, force: true });
});

async function load(...args: string[]): Promise<{ code: number; output: string; results: Measured[] }> {
  requests.length = 0;
  const options = ['--url', url, '--seconds', '1', '--connections', '2', '--out', out];
  const child = spawn(process.execPath, [main, ...options, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit') as Promise<[number]>]);
  const { results } = JSON.parse(readFileSync(join(out, 'results.json'), 'utf8')) as { results: Measured[] };
  return { code, output, results };
}

test('singles are different pairs with the key, and the run passes when they are answered', async () => {
  const { code, output, results } = await load('--images', 'http://images/{n}.jpg', '--key', 'secret', 'single by url');
  expect(code).toBe(0);
  expect(results.map(({ scenario }) => scenario)).toEqual(['single by url']);
  const bodies = requests.map(({ body }) => JSON.parse(body) as { image: string; text: string });
  expect(new Set(bodies.map(({ text: caption }) => caption)).size).toBe(bodies.length);
  expect(bodies[0]?.image).toMatch(/^http:\/\/images\/\d+\.jpg$/);
  expect(new Set(requests.map(({ key }) => key))).toEqual(new Set(['Bearer secret']));
  expect(output).toContain('pass');
  expect(output + readFileSync(join(out, 'results.json'), 'utf8')).not.toContain('secret');
});

test('a batch is posted, polled until it has ended, and followed by the next', async () => {
  const { code, results } = await load('--images', 'http://images/{n}.jpg', 'batch');
  expect(code).toBe(0);
  expect(results[0]?.batches?.count).toBeGreaterThan(1);
  const [first, second] = requests;
  expect(first).toMatchObject({ method: 'POST', path: '/evaluator/v1/evaluation/batch' });
  expect((JSON.parse(first?.body ?? '') as { items: object[] }).items).toHaveLength(64);
  expect(second).toMatchObject({ method: 'GET', path: '/evaluator/v1/evaluation/batch/b1', body: '' });
});

test('a batch that has not ended fails the run, and is cancelled', async () => {
  endless = true;
  const { code, output } = await load('--images', 'http://images/{n}.jpg', 'batch');
  endless = false;
  expect(code).toBe(1);
  expect(output).toMatch(/^FAIL +batchP50Seconds +<= 10 +none/m);
  expect(requests.at(-1)).toMatchObject({ method: 'POST', path: '/evaluator/v1/evaluation/batch/b1/cancel' });
});

test('refusals fail the run', async () => {
  failing = true;
  const { code, output, results } = await load('single inline');
  failing = false;
  expect(code).toBe(1);
  expect(results[0]?.errorShare).toBe(1);
  expect(output).toMatch(/^FAIL +errorShare/m);
});

test('scenarios that need images are left out with the reason, where the service can be given none', async () => {
  const { output, results } = await load('batch', 'single inline');
  expect(output).toContain('Left out: batch, which needs --images.');
  expect(results.map(({ scenario }) => scenario)).toEqual(['single inline']);
});
