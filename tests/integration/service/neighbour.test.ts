import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Problem } from '../../../shared/contracts/problem.ts';
import { type Client, createClient } from '../../../testing/client.ts';
import { readPhoto } from '../../../testing/images/host.ts';
import { bearer, createKeyFile } from '../../../testing/key-file.ts';
import { startProcess, type TestProcess } from '../../../testing/processes/service.ts';
import { startRedis, type TestRedis } from '../../../testing/redis/single.ts';
import { until } from '../../../testing/until.ts';

/** One tenant does its worst within its rights, and another uses the service beside it. */
const keys = createKeyFile();
const hostileKey = keys.add('hostile');

let redis: TestRedis;
let service: TestProcess;
let ordinary: Client;
/** Takes requests and never answers. */
let silentHost: Server;
let asked = 0;
const open = new Set<Socket>();

beforeAll(async () => {
  silentHost = createServer(() => void asked++).listen(0, '127.0.0.1');
  redis = await startRedis();
  const { port } = silentHost.address() as AddressInfo;
  service = await startProcess('service', {
    REDIS_URL: redis.url,
    API_KEYS_FILE: keys.path,
    IMAGE_HOSTS_ALLOW: `127.0.0.1:${port}`,
    LOG_LEVEL: 'error',
  });
  ordinary = createClient(service.url, bearer(keys.add('ordinary')));
});
afterAll(async () => {
  for (const socket of open) socket.destroy();
  await service.stop();
  silentHost.closeAllConnections();
  silentHost.close();
  await redis.remove();
});

const hang = () => `http://127.0.0.1:${(silentHost.address() as AddressInfo).port}/${Math.random()}.jpg`;
const image = readPhoto('coffee.jpg').toString('base64');

/** Sends a request by hand: its answer, as far as it has come, when asked for. */
function sendRaw(head: string, body = ''): { socket: Socket; answer: () => string } {
  const { hostname, port, host } = new URL(service.url);
  const socket = connect(Number(port), hostname);
  open.add(socket);
  socket.on('error', () => {}).on('close', () => open.delete(socket));
  let answer = '';
  socket.setEncoding('latin1').on('data', (part: string) => (answer += part));
  socket.write(`${head}\r\nHost: ${host}\r\nAuthorization: Bearer ${hostileKey}\r\n\r\n${body}`);
  return { socket, answer: () => answer };
}

const json = (path: string, body: object) => {
  const text = JSON.stringify(body);
  const head = `POST /evaluator${path} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: ${text.length}`;
  return sendRaw(head, text);
};

async function expectOrdinaryAnswers(): Promise<void> {
  const answers = [
    await ordinary.single({ image, text: 'a cup of coffee' }),
    await ordinary.post('/v1/evaluation/rank', { image, texts: ['a cup of coffee', 'a dog'] }),
    await ordinary.post('/v1/embeddings', { input: 'a cup of coffee' }),
    await ordinary.batch.post([{ image, text: 'a cup of coffee' }]),
  ];
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 202]);
}

test('interactive requests of one tenant that wait for a host take no places of another, and are free when it goes', async () => {
  const texts = ['a'];
  const sent: ReturnType<typeof sendRaw>[] = [];
  // Until one of each is refused: the tenant has all places that it may have.
  for (const send of [
    () => json('/v1/evaluation/single', { image: hang(), text: 'a' }),
    () => json('/v1/evaluation/rank', { image: hang(), texts }),
    () => json('/v1/embeddings', { input: [{ image: hang() }] }),
  ]) {
    for (let count = 0; count < 40; count++) sent.push(send());
  }
  const isFull = () => asked > 0 && sent.some(({ answer }) => answer().includes('503'));
  await until(isFull);
  await expectOrdinaryAnswers();
  expect(sent.filter(({ answer }) => answer() === '').length).toBeGreaterThan(0);

  for (const { socket } of sent) socket.destroy();
  const hostile = createClient(service.url, bearer(hostileKey));
  await until(async () => (await hostile.single({ image, text: 'a' })).status === 200);
});

test('uploads and bodies of one tenant that never end leave room for another', async () => {
  const begin = (path: string, type: string, bytes: number) =>
    sendRaw(`POST /evaluator${path} HTTP/1.1\r\nContent-Type: ${type}\r\nContent-Length: ${bytes}`, 'i');
  const uploads = Array.from({ length: 60 }, () => begin('/v1/evaluation/batch', 'text/csv', 1_000_000));
  const bodies = Array.from({ length: 20 }, () => begin('/v1/evaluation/batch', 'application/json', 33_000_000));
  await until(() => bodies.some(({ answer }) => answer().includes('503')));
  await expectOrdinaryAnswers();
  const csv = await ordinary.call('/v1/evaluation/batch', {
    method: 'POST',
    headers: { 'content-type': 'text/csv' },
    body: 'image,text\nhttps://example.org/x.jpg,x\n',
  });
  expect(csv.status).toBe(202);
  for (const { socket } of [...uploads, ...bodies]) socket.destroy();
});

test('callers without a key that drip into the sign-in are bounded at their address, and a tenant there is answered', async () => {
  const { host, hostname, port } = new URL(service.url);
  const answers: string[] = [];
  for (let count = 0; count < 80; count++) {
    const socket = connect(Number(port), hostname);
    open.add(socket);
    socket.on('error', () => {}).on('data', (part) => answers.push(String(part)));
    socket.write(
      `POST /evaluator/session HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
    );
  }
  await until(() => answers.length >= 80 - 32);
  expect(answers.every((answer) => answer.startsWith('HTTP/1.1 503'))).toBe(true);
  const refusal = (answers[0] ?? '').split('\r\n\r\n')[1] ?? '{}';
  expect((JSON.parse(refusal) as Problem).code).toBe('overloaded');
  await expectOrdinaryAnswers();
});
