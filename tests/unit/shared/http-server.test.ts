import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Listening, listen } from '../../../shared/http-server.ts';

let server: Listening;
let agent: Agent;
/** Requests by path, to be answered when a test says so. */
let open: Map<string, (body: string, isLast?: boolean) => void>;
let arrived: Map<string, PromiseWithResolvers<void>>;
/** The requests by path. */
let requests: Map<string, IncomingMessage>;
const arrival = (path: string) => {
  const known = arrived.get(path) ?? Promise.withResolvers<void>();
  arrived.set(path, known);
  return known;
};

beforeEach(async () => {
  agent = new Agent({ keepAlive: true });
  open = new Map();
  arrived = new Map();
  requests = new Map();
  server = await listen(
    (incoming, response) => {
      const { url = '' } = incoming;
      requests.set(url, incoming);
      open.set(url, (body, isLast = true) => (isLast ? response.end(body) : response.write(body)));
      arrival(url).resolve();
    },
    '127.0.0.1',
    0,
    'PORT',
  );
});
afterEach(async () => {
  vi.useRealTimers();
  agent.destroy();
  await server.close();
});

async function get(path: string): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) =>
    request(server.url + path, { agent }, resolve)
      .on('error', reject)
      .end(),
  );
}
const ended = (answer: IncomingMessage) => new Promise((resolve) => answer.resume().on('end', resolve));

test('answers keep their connection for longer than balancers do', async () => {
  const answer = get('/a');
  await arrival('/a').promise;
  open.get('/a')?.('a');
  const { headers } = await answer;
  expect(headers.connection).toBe('keep-alive');
  expect(Number(/timeout=(\d+)/.exec(String(headers['keep-alive']))?.[1])).toBeGreaterThan(60);
});

test('a server that turns away still answers, and each answer ends its connection', async () => {
  const before = get('/before');
  await arrival('/before').promise;
  server.turnAway();
  const after = get('/after');
  await arrival('/after').promise;
  open.get('/before')?.('b');
  open.get('/after')?.('a');
  expect((await before).headers.connection).toBe('close');
  expect((await after).headers.connection).toBe('close');
});

test('a server that closes waits for an answer that has begun, and not for the connection it leaves open', async () => {
  const answer = get('/long');
  await arrival('/long').promise;
  open.get('/long')?.('first ', false);
  const begun = await answer;
  expect(begun.headers.connection).toBe('keep-alive');
  const closed = server.close();
  open.get('/long')?.('last');
  await ended(begun);
  await closed;
  // Sooner than it would have lost its patience with that connection.
}, 10_000);

/** Opens a connection and sends the head of a post and the first byte of its body. */
async function upload(path: string, bytes: number): Promise<Socket> {
  const socket = connect({ port: Number(new URL(server.url).port), host: '127.0.0.1', allowHalfOpen: true });
  socket.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes}\r\n\r\na`);
  await arrival(path).promise;
  return socket;
}

test('a response that closes its connection can be read by a sender that is still uploading', async () => {
  server.turnAway();
  const bytes = 4 * 1024 * 1024;
  const socket = await upload('/upload', bytes);
  let answer = '';
  socket.on('data', (data) => (answer += data));
  open.get('/upload')?.('refused');
  await once(socket, 'end');
  expect(answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*connection: close[\s\S]*refused/i);
  // A connection that was closed with unread bytes would be reset here.
  await new Promise<void>((sent, failed) => {
    socket.on('error', failed);
    socket.on('close', () => failed(new Error('closed')));
    socket.write(Buffer.alloc(bytes - 2), () => sent());
  });
  socket.removeAllListeners('close').write('z');
  const closed = once(socket, 'close');
  socket.end();
  await closed;
});

test('a sender that pauses after its refusal is disconnected', async () => {
  server.turnAway();
  const socket = await upload('/paused', 1_000);
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  open.get('/paused')?.('refused');
  await once(socket.resume(), 'end');
  const reset = once(socket, 'close');
  const incoming = requests.get('/paused');
  vi.advanceTimersByTime(2_000);
  expect(incoming?.socket.destroyed).toBe(true);
  socket.end('more');
  await reset.catch((error: NodeJS.ErrnoException) => expect(error.code).toBe('ECONNRESET'));
});

test('a server that closes finishes an upload that moves, and cuts one that does not', async () => {
  const [moving, stalled] = [await upload('/moving', 4), await upload('/stalled', 4)];
  let answer = '';
  moving.on('data', (data) => (answer += data));
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const closed = server.close();
  const cut = once(stalled.resume(), 'close');
  const incoming = requests.get('/moving');
  await once(incoming as IncomingMessage, 'data');
  for (const part of 'bc') {
    const received = once(incoming as IncomingMessage, 'data');
    moving.write(part);
    await received;
    vi.advanceTimersByTime(2_000);
  }
  stalled.end();
  await cut;
  moving.write('d');
  await once(incoming as IncomingMessage, 'end');
  open.get('/moving')?.('done');
  await once(moving, 'end');
  expect(answer).toMatch(/200[\s\S]*done/);
  moving.end();
  await closed;
});
