import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ObjectStore } from '../../../../batches/store/object-store.ts';
import { connectS3 } from '../../../../batches/store/s3.ts';

const content = Buffer.from(Array.from({ length: 1_000 }, (_, index) => `line ${index}\n`).join(''));
const etag = '"abc"';
const place = { bucket: 'bucket', key: 'key' };

let server: Server;
let objects: ObjectStore;
let asked: IncomingMessage[];
let answer: (request: IncomingMessage, response: ServerResponse) => void;
beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  Object.assign(process.env, { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' });
  objects = connectS3({ endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});
beforeEach(() => {
  asked = [];
});
afterAll(() => {
  objects.close();
  server.closeAllConnections();
  server.close();
});

async function read(): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of objects.read(place, etag, new AbortController().signal)) parts.push(part);
  return Buffer.concat(parts);
}
const send = (response: ServerResponse, from: number, to: number) => {
  response.writeHead(from === 0 ? 200 : 206, { etag, 'content-length': content.length - from });
  response.write(content.subarray(from, to), () => {
    if (to < content.length) response.destroy();
    else response.end();
  });
};
const offsetOf = (request: IncomingMessage) => Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);

test('reading an object continues after a broken connection, with the same content', async () => {
  answer = (request, response) => {
    const from = offsetOf(request);
    send(response, from, from === 0 ? 3_000 : content.length);
  };
  expect((await read()).equals(content)).toBe(true);
  expect(asked.map(({ headers }) => [headers.range, headers['if-match']])).toEqual([
    [undefined, etag],
    ['bytes=3000-', etag],
  ]);
});

test('an object that has another content meanwhile is refused, also by a store that knows no conditions', async () => {
  answer = (_, response) => response.writeHead(412).end();
  await expect(read()).rejects.toMatchObject({ code: 'storage.changed' });
  answer = (_, response) => response.writeHead(200, { etag: '"other"' }).end('x');
  await expect(read()).rejects.toMatchObject({ code: 'storage.changed' });
});

test.each([
  [404, 'storage.not_found'],
  [403, 'storage.forbidden'],
  [503, 'storage.unavailable'],
])('an answer of %i is %s', async (status, code) => {
  answer = (_, response) => response.writeHead(status).end();
  await expect(objects.get(place)).rejects.toMatchObject({ code });
  await expect(objects.head(place)).rejects.toMatchObject({ code });
  await expect(objects.put(place, content)).rejects.toMatchObject({ code });
});

test('a store that is overloaded is asked three times, and no more', async () => {
  answer = (_, response) => response.writeHead(503).end();
  await expect(objects.get(place)).rejects.toMatchObject({ code: 'storage.unavailable', retryAfter: 5 });
  expect(asked).toHaveLength(3);
});

test('a fault in what is written leaves no object', async () => {
  answer = (request, response) => void request.resume().on('end', () => response.writeHead(200, { etag }).end());
  async function* parts() {
    yield 'begun';
    throw new Error('in the middle');
  }
  const signal = new AbortController().signal;
  await expect(objects.upload(place, 'text/plain', parts(), signal)).rejects.toThrow('in the middle');
  expect(asked).toEqual([]);
});
