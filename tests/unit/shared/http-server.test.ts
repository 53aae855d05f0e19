import { Agent, type IncomingMessage, request } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Listening, listen } from '../../../shared/http-server.ts';

let server: Listening;
let agent: Agent;
/** Requests by path, to be answered when a test says so. */
let open: Map<string, (body: string, isLast?: boolean) => void>;
let arrived: Map<string, PromiseWithResolvers<void>>;
const arrival = (path: string) => {
  const known = arrived.get(path) ?? Promise.withResolvers<void>();
  arrived.set(path, known);
  return known;
};

beforeEach(async () => {
  agent = new Agent({ keepAlive: true });
  open = new Map();
  arrived = new Map();
  server = await listen(
    ({ url = '' }, response) => {
      open.set(url, (body, isLast = true) => (isLast ? response.end(body) : response.write(body)));
      arrival(url).resolve();
    },
    '127.0.0.1',
    0,
    'PORT',
  );
});
afterEach(async () => {
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
