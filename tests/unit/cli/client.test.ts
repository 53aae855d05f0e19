import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createClient } from '../../../cli/client.ts';
import { defaultServiceUrl } from '../../../shared/config.ts';

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const clientOf = (serviceUrl: string) => createClient({ serviceUrl, apiKey: undefined });
const post = { method: 'POST', headers: { 'content-type': 'application/x-ndjson' } } as const;

test('a stream is made anew for every attempt', async () => {
  const bodies: string[] = [];
  const url = await serve(async (request, response) => {
    bodies.push(Buffer.concat(await request.toArray()).toString());
    if (bodies.length > 1) return void response.end('{}');
    response.writeHead(429, { 'content-type': 'application/problem+json', 'retry-after': '1' }).end('{}');
  });
  async function* body() {
    yield Buffer.from('one\n');
    yield Buffer.from('two\n');
  }
  await clientOf(url).json('/x', { ...post, body });
  expect(bodies).toEqual(['one\ntwo\n', 'one\ntwo\n']);
});

test('an error of the stream itself reaches the caller', async () => {
  const url = await serve((request) => void request.resume().on('error', () => {}));
  async function* body() {
    yield Buffer.from('one\n');
    throw new RangeError('line 2 is no pair');
  }
  await expect(clientOf(url).json('/x', { ...post, body })).rejects.toThrow(RangeError);
});

test('of a stream that has been sent nothing is kept', async () => {
  const url = await serve((request, response) => {
    request.resume().on('end', () => response.end('{}'));
  });
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const megabyte = 1024 * 1024;
  let held = 0;
  async function* body() {
    for (let sent = 0; sent < 200; sent++) yield Buffer.alloc(megabyte, 'x');
    collect();
    held = process.memoryUsage().arrayBuffers;
  }
  await clientOf(url).json('/x', { ...post, body });
  expect(held).toBeGreaterThan(0);
  expect(held / megabyte).toBeLessThan(60);
});

test.each([
  ['nothing answers', () => Promise.reject(new TypeError('fetch failed'))],
  ['another program answers', async () => new Response('<html>', { status: 404 })],
])('where %s at the default address, the error names the own service at another address', async (_what, answer) => {
  const fetched = vi.spyOn(globalThis, 'fetch').mockImplementation(answer);
  onTestFinished(() => fetched.mockRestore());
  const adviceOf = async (serviceUrl: string, own: string | undefined) => {
    const client = createClient({ serviceUrl, apiKey: undefined, findOwnService: () => own });
    return ((await client.json('/x').catch((error: unknown) => error)) as { advice?: string }).advice;
  };
  const own = 'http://127.0.0.1:8123';
  expect(await adviceOf(defaultServiceUrl, own)).toBe(
    `The service of this directory answers at ${own}; set VLS_URL or --url to this address.`,
  );
  for (const [serviceUrl, found] of [
    [defaultServiceUrl, undefined],
    [defaultServiceUrl, defaultServiceUrl],
    ['http://scores.example', own],
  ] as const) {
    expect(await adviceOf(serviceUrl, found)).not.toContain('of this directory');
  }
});
