import type { Socket } from 'node:net';
import type { Attack, Hostile } from './hostile.ts';

/** Attacks with open, almost idle connections. */

const single = '/evaluator/v1/evaluation/single';
const batch = '/evaluator/v1/evaluation/batch';
const post = (path: string, type: string, length: number) =>
  `POST ${path} HTTP/1.1\r\nContent-Type: ${type}\r\nContent-Length: ${length}`;

/** Sends one byte every `everyMs` ms until the connection ends. */
function drip(socket: Socket, everyMs: number): Socket {
  const timer = setInterval(() => socket.write(' '), everyMs);
  socket.once('close', () => clearInterval(timer));
  socket.resume();
  return socket;
}

export const connections: Attack[] = [
  {
    name: 'drips',
    what: '300 single requests and 300 uploads, each sending 1 byte every 15 s',
    run: async ({ hold, open }: Hostile) => {
      await Promise.all([
        hold(300, () => drip(open(post(single, 'application/json', 5_000)), 15_000)),
        hold(300, () => drip(open(post(batch, 'application/x-ndjson', 5_000)), 15_000)),
      ]);
    },
  },
  {
    name: 'silent-bodies',
    what: '60 single requests that announce 7 MB and send nothing',
    run: ({ hold, open }) => hold(60, () => open(post(single, 'application/json', 7_000_000)).resume()),
  },
  {
    name: 'slow-connections',
    what: '200 single requests that send 1 byte a second',
    run: ({ hold, open }) => hold(200, () => drip(open(post(single, 'application/json', 5_000)), 1_000)),
  },
];
