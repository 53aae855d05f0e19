import { once } from 'node:events';
import { Agent, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Connections, createConnections } from '../../../shared/connections.ts';
import { type Listening, listen } from '../../../shared/http-server.ts';
import { until } from '../../../testing/until.ts';

let server: Listening;
let connections: Connections;
let agents: Agent[];
let sockets: Socket[];
/** Answers that wait for their test. */
let held: ServerResponse[];

beforeEach(async () => {
  [agents, sockets, held] = [[], [], []];
  connections = createConnections(2);
  const handler = (asked: IncomingMessage, response: ServerResponse) => {
    if (asked.url === '/hold') {
      held.push(response);
      response.write('begun');
    } else response.end(connections.isSurplus(asked) ? 'surplus' : 'welcome');
  };
  server = await listen(handler, '127.0.0.1', 0, 'PORT', connections);
});
afterEach(async () => {
  for (const response of held) response.end();
  for (const agent of agents) agent.destroy();
  for (const socket of sockets) socket.destroy();
  await server.close();
});

/** Somebody with a connection of his own, which he keeps. */
function visitor() {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  agents.push(agent);
  const ask = async (path: string) => {
    const sent = request(server.url + path, { agent }).end();
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    return { answer, socket: sent.socket as Socket };
  };
  return {
    /** Resolves when the answer has begun. */
    hold: async () => void (await ask('/hold')).answer.resume(),
    async told() {
      const { answer, socket } = await ask('/');
      let body = '';
      for await (const part of answer) body += part;
      return { body, socket };
    },
  };
}

/** Connects and says nothing. */
async function connectSilently(localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port: Number(new URL(server.url).port), host: '127.0.0.1', localAddress });
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

test('beyond the limit the longest idle connection is closed, and none with a request in flight', async () => {
  const [streaming, idle] = [visitor(), visitor()];
  await streaming.hold();
  const { socket } = await idle.told();
  const closed = once(socket, 'close');
  expect((await visitor().told()).body).toBe('welcome');
  await closed;
  expect(held[0]?.destroyed).toBe(false);
});

test('where everybody is being answered a newcomer is let in, and known to be one too many', async () => {
  await Promise.all([visitor().hold(), visitor().hold()]);
  expect((await visitor().told()).body).toBe('surplus');
  held.pop()?.end();
  // The place is free once its answer has ended: its connection is idle.
  await until(async () => expect((await visitor().told()).body).toBe('welcome'));
});

test('any number of silent connections leaves room for requests', async () => {
  await Promise.all([visitor().hold(), visitor().hold()]);
  const first = await connectSilently();
  const closed = once(first, 'close');
  for (let more = 0; more < 300; more++) await connectSilently();
  expect((await visitor().told()).body).toBe('surplus');
  await closed;
});

test('a server that closes does not wait for a connection on which nothing was ever asked', async () => {
  const silent = await connectSilently();
  const closed = once(silent, 'close');
  // Else it would be closed by force, long after this test has lost its patience.
  await server.close();
  await closed;
}, 10_000);

test('an address that opens many connections closes its own, and not that of another', async () => {
  const first = await connectSilently();
  const closed = once(first, 'close');
  const other = await connectSilently('127.0.0.2');
  for (let more = 0; more < 20; more++) await connectSilently();
  expect((await visitor().told()).body).toBe('welcome');
  await closed;
  expect(other.closed).toBe(false);
});
