import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import express, { type RequestHandler } from 'express';
import { afterEach, expect, test } from 'vitest';
import { everybody, setPrincipal } from '../../../api/access/principal.ts';
import { answerProblems } from '../../../api/middleware/problems.ts';
import { createUploads, type UploadOptions } from '../../../api/middleware/uploads.ts';
import { until } from '../../../testing/until.ts';
import { silentLog } from '../../support/silent-log.ts';

let server: Server;
let sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

/** The uploads being read, by tenant. */
let reading = new Map<string, number>();
const count = (tenant: string) => reading.get(tenant) ?? 0;

/** The path names the tenant. */
async function start(options: UploadOptions): Promise<void> {
  const counted = new Map<string, number>();
  reading = counted;
  const asTenant: RequestHandler = (request, _response, next) => {
    setPrincipal(request, { ...everybody, tenant: request.path.slice(1) });
    next();
  };
  const app = express().use(asTenant, createUploads(options));
  app.post('/:tenant', async (request, response) => {
    const { tenant } = request.params;
    const add = (change: number) => counted.set(tenant, (counted.get(tenant) ?? 0) + change);
    add(1);
    let bytes = 0;
    try {
      for await (const part of request) bytes += (part as Buffer).length;
    } finally {
      add(-1);
    }
    response.json(bytes);
  });
  app.use(answerProblems(silentLog()));
  server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
}

const address = (tenant: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/${tenant}`;

/** Starts an upload that never ends. */
async function begin(tenant: string): Promise<Socket> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => {});
  sockets.push(socket);
  socket.write(`POST /${tenant} HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: 1000000\r\n\r\nimage`);
  await once(socket, 'connect');
  return socket;
}

const upload = (tenant: string) => fetch(address(tenant), { method: 'POST', body: 'image,text\n' });

test('few of many slow uploads are read at a time, and another tenant uploads at once', async () => {
  await start({ places: 3, guaranteed: 1 });
  for (let more = 0; more < 20; more++) await begin('hostile');
  await until(() => count('hostile') === 3);
  expect(await (await upload('ordinary')).json()).toBe(11);
  expect(count('hostile')).toBe(3);
});

test('an upload that finds no place is refused after a while', async () => {
  await start({ places: 1, guaranteed: 0, patienceMs: 50 });
  await begin('hostile');
  await until(() => count('hostile') === 1);
  const refused = await upload('hostile');
  expect([refused.status, refused.headers.has('retry-after')]).toEqual([503, true]);
  expect(await refused.json()).toMatchObject({ code: 'overloaded' });
});

test('a client that goes away frees its place at once', async () => {
  await start({ places: 1, guaranteed: 0 });
  const [held, waiting] = [await begin('hostile'), await begin('hostile')];
  await until(() => count('hostile') === 1);
  const next = upload('hostile');
  waiting.destroy();
  held.destroy();
  expect((await next).status).toBe(200);
});
