import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import express, { type RequestHandler } from 'express';
import { afterEach, expect, test } from 'vitest';
import { everybody, setPrincipal } from '../../../api/access/principal.ts';
import { clientGone } from '../../../api/client-gone.ts';
import { createLargeResponses, type LargeResponseOptions } from '../../../api/large-responses.ts';
import { answerProblems } from '../../../api/middleware/problems.ts';
import { sendEvents } from '../../../api/sse.ts';
import { until } from '../../../testing/until.ts';
import { silentLog } from '../../support/silent-log.ts';

/** More than the kernel takes for a reader that does not read. */
const largePart = 'x'.repeat(24 * 1024 * 1024);

let server: Server;
let sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

/** The parts, pages and lists that the running service has read; requests to an earlier one may still end. */
let reads = { count: 0 };

async function* twoParts(counted: typeof reads): AsyncGenerator<string> {
  for (let part = 0; part < 2; part++) {
    counted.count++;
    yield largePart;
  }
}

async function* breaking(): AsyncGenerator<string> {
  yield 'one row\n';
  throw new Error('Redis has gone');
}

/** The path names the tenant. */
async function start(options: LargeResponseOptions): Promise<void> {
  const counted = { count: 0 };
  reads = counted;
  const largeResponses = createLargeResponses(options);
  const asTenant: RequestHandler = (request, _response, next) => {
    setPrincipal(request, { ...everybody, tenant: request.path.split('/')[1] ?? '' });
    next();
  };
  const app = express().use(asTenant);
  app.get('/:tenant/stream', async (request, response) => {
    const source = twoParts(counted);
    await largeResponses.stream(request, response, source, clientGone(response));
  });
  app.get('/:tenant/page', (request, response) =>
    largeResponses.page(request, response, async () => {
      counted.count++;
      return largePart;
    }),
  );
  app.get('/:tenant/image', (request, response) =>
    largeResponses.image(request, response, async () => {
      counted.count++;
      return { mediaType: 'application/json', bytes: Buffer.from(JSON.stringify(largePart)) };
    }),
  );
  app.get('/:tenant/list', (request, response) =>
    largeResponses.list(request, response, () => {
      counted.count++;
      return largePart;
    }),
  );
  app.get('/:tenant/breaking', (request, response) =>
    largeResponses.stream(request, response, breaking(), clientGone(response)),
  );
  app.get('/:tenant/events', async (_request, response) => {
    async function* events() {
      for (;;) yield { id: '1', event: 'progress' as const, data: largePart };
    }
    await sendEvents(events(), response, clientGone(response), options.patienceMs);
  });
  app.use(answerProblems(silentLog()));
  server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
}

const port = () => (server.address() as AddressInfo).port;

/** Sends a request and does not read the response. */
function askOnly(path: string, version = '1.1'): Socket {
  const socket = connect(port(), '127.0.0.1');
  socket.on('error', () => {});
  sockets.push(socket);
  socket.pause().write(`GET ${path} HTTP/${version}\r\nHost: x\r\n\r\n`);
  return socket;
}

/** Returns how the connection ends for a reader: an error code for a reset, undefined for a normal end. */
async function endOf(socket: Socket): Promise<string | undefined> {
  let code: string | undefined;
  socket.on('error', (error: NodeJS.ErrnoException) => (code = error.code));
  socket.resume();
  await new Promise((resolve) => socket.on('close', resolve));
  return code;
}

test('few parts of unread streams are in memory, and another tenant has its own', async () => {
  await start({ parts: 3, guaranteed: 1 });
  for (let count = 0; count < 20; count++) askOnly('/hostile/stream');
  await until(() => reads.count === 3);

  const answer = await fetch(`http://127.0.0.1:${port()}/ordinary/stream`);
  expect((await answer.arrayBuffer()).byteLength).toBe(2 * largePart.length);
  expect(reads.count).toBe(3 + 2);
});

test('an unread stream is reset after a while, and the next one gets its place', async () => {
  await start({ parts: 1, guaranteed: 0, patienceMs: 1_000 });
  const unread = [askOnly('/hostile/stream'), askOnly('/hostile/stream')];
  const answer = await fetch(`http://127.0.0.1:${port()}/hostile/stream`);
  expect((await answer.arrayBuffer()).byteLength).toBe(2 * largePart.length);
  expect(await Promise.all(unread.map(endOf))).toEqual(['ECONNRESET', 'ECONNRESET']);
});

test.each(['page', 'list', 'image'])('the same with a %s', async (kind) => {
  await start({ pages: 2, lists: 2, images: 2, guaranteed: 1, patienceMs: 60_000 });
  for (let count = 0; count < 20; count++) askOnly(`/hostile/${kind}`);
  await until(() => reads.count === 2);
  const answer = await fetch(`http://127.0.0.1:${port()}/ordinary/${kind}`);
  expect(await answer.json()).toBe(largePart);
  expect(reads.count).toBe(2 + 1);
});

test.each(['list', 'image'])('slow readers of pages hold up no %s', async (kind) => {
  await start({ pages: 1, lists: 1, images: 1, guaranteed: 0, patienceMs: 60_000 });
  askOnly('/ordinary/page');
  await until(() => reads.count === 1);
  const answer = await fetch(`http://127.0.0.1:${port()}/ordinary/${kind}`);
  expect(await answer.json()).toBe(largePart);
});

test('a reader that goes away frees its place at once, waiting or not', async () => {
  await start({ parts: 1, guaranteed: 0 });
  const unread = [askOnly('/hostile/stream'), askOnly('/hostile/stream'), askOnly('/hostile/stream')];
  await until(() => reads.count === 1);
  for (const socket of unread) socket.destroy();
  const answer = await fetch(`http://127.0.0.1:${port()}/ordinary/stream`);
  expect((await answer.arrayBuffer()).byteLength).toBe(2 * largePart.length);
});

test('unread events end their connection', async () => {
  await start({ patienceMs: 200 });
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const unread = askOnly('/hostile/events');
  const [ours] = await accepted;
  await once(ours, 'close');
  expect(await endOf(unread)).toBe('ECONNRESET');
});

test.each(['1.0', '1.1'])('a stream that cannot be completed is reset for a reader of HTTP/%s', async (version) => {
  await start({});
  expect(await endOf(askOnly('/ordinary/breaking', version))).toBe('ECONNRESET');
});

test('a stream that is complete ends without a break for a reader of HTTP/1.0', async () => {
  await start({});
  const socket = askOnly('/ordinary/stream', '1.0');
  const ended = endOf(socket);
  expect((await buffer(socket)).length).toBeGreaterThan(2 * largePart.length);
  expect(await ended).toBeUndefined();
});
