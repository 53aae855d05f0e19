import { once } from 'node:events';
import type { Socket } from 'node:net';
import express from 'express';
import { afterEach, expect, test, vi } from 'vitest';
import { sendEvents } from '../../../api/sse.ts';
import type { BatchEvent } from '../../../batches/reading/events.ts';

afterEach(() => vi.useRealTimers());

test('heartbeats are comments inside a block, never a block of their own', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  let go = () => {};
  const waits = new Promise<void>((resolve) => {
    go = resolve;
  });
  async function* events(): AsyncGenerator<BatchEvent> {
    yield { id: '1-0/0', event: 'state', data: {} };
    await waits;
    yield { id: '2-0/0', event: 'end', data: {} };
  }
  const app = express();
  app.get('/', (_request, response) => sendEvents(events(), response, new AbortController().signal));
  const server = app.listen(0);
  const sockets: Socket[] = [];
  server.on('connection', (socket) => sockets.push(socket));
  await once(server, 'listening');
  const answer = await fetch(`http://127.0.0.1:${(server.address() as { port: number }).port}/`);
  const reader = answer.body?.getReader();
  let text = '';
  const read = async (until: (text: string) => boolean) => {
    while (!until(text)) {
      const { done, value } = (await reader?.read()) ?? { done: true };
      if (done) return;
      text += Buffer.from(value as Uint8Array).toString();
    }
  };
  await read((seen) => seen.includes('\n\n'));
  vi.advanceTimersByTime(31_000);
  go();
  await read(() => false);
  server.close();
  for (const socket of sockets) socket.destroy();
  expect(text).toMatch(
    /^retry: \d+\nid: 1-0\/0\nevent: state\ndata: \{\}\n\n: alive\n: alive\nid: 2-0\/0\nevent: end\ndata: \{\}\n\n$/,
  );
});
