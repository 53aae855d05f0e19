import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { ask } from '../../../../start/redis/ask.ts';

/** A server that answers whatever it is sent with these pieces, one write each. */
async function serverThatAnswers(...pieces: string[]) {
  const received = Promise.withResolvers<string>();
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (bytes) => {
      received.resolve(bytes.toString());
      for (const piece of pieces) socket.write(piece);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, received: received.promise };
}

test('replies are read across the pieces they arrive in', async () => {
  const { port } = await serverThatAnswers('+PO', 'NG\r\n$12\r\nhello\r\n', 'redis\r', '\n');
  expect(await ask(`redis://127.0.0.1:${port}`, [['PING'], ['INFO']])).toEqual(['PONG', 'hello\r\nredis']);
});

test('an error reply is recognised by its first character', async () => {
  const { port } = await serverThatAnswers('-LOADING Redis is loading the dataset in memory\r\n');
  expect(await ask(`redis://127.0.0.1:${port}`, [['PING']])).toEqual([
    '-LOADING Redis is loading the dataset in memory',
  ]);
});

test('the user and password of the URL are given first', async () => {
  const { port, received } = await serverThatAnswers('+OK\r\n$4\r\ninfo\r\n');
  expect(await ask(`redis://someone:p%40ss@127.0.0.1:${port}`, [['INFO', 'server']])).toEqual(['info']);
  expect(await received).toBe(
    '*3\r\n$4\r\nAUTH\r\n$7\r\nsomeone\r\n$4\r\np@ss\r\n*2\r\n$4\r\nINFO\r\n$6\r\nserver\r\n',
  );
});

test('a connection closed before the answer is an error', async () => {
  const server = createServer((socket) => void socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  await expect(ask(`redis://127.0.0.1:${(server.address() as AddressInfo).port}`, [['PING']])).rejects.toThrow();
});
