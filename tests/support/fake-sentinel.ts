import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

/** A sentinel that says when it answers: real ones are too quick for what happens in between. */
export interface FakeSentinel {
  port: number;
  /** Holds back answers to the question for the master until they are released. */
  hold(): void;
  release(): void;
  /** Resolves when somebody has asked for the master since `hold`. */
  asked(): Promise<void>;
  /** Resolves when so many connections have subscribed. */
  subscribed(count: number): Promise<void>;
  /** Says to all who have subscribed that the master has changed. */
  announceSwitch(): void;
  close(): Promise<void>;
}

const bulk = (text: string) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
const list = (...parts: string[]) => `*${parts.length}\r\n${parts.join('')}`;

/** @param masterPort where the master is, on this machine. */
export async function startFakeSentinel(masterPort: number): Promise<FakeSentinel> {
  const sockets = new Set<Socket>();
  const subscribers = new Set<Socket>();
  const checks = new Set<() => void>();
  let held: (() => void)[] | undefined;

  function until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (!isSo()) return;
        checks.delete(check);
        resolve();
      };
      checks.add(check);
      check();
    });
  }
  const changed = () => {
    for (const check of [...checks]) check();
  };

  function answer(socket: Socket, command: string[]): void {
    const reply = (text: string) => void (socket.destroyed || socket.write(text));
    const [name = '', what = ''] = command.map((part) => part.toLowerCase());
    if (name === 'sentinel' && what === 'get-master-addr-by-name') {
      const say = () => reply(list(bulk('127.0.0.1'), bulk(String(masterPort))));
      if (held === undefined) say();
      else held.push(say);
    } else if (name === 'sentinel') reply(list());
    else if (name === 'subscribe') {
      subscribers.add(socket);
      reply(list(bulk('subscribe'), bulk(command[1] ?? ''), ':1\r\n'));
    } else reply(name === 'hello' ? '-NOPROTO unsupported protocol version\r\n' : '+OK\r\n');
    changed();
  }

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      subscribers.delete(socket);
    });
    let received = '';
    socket.setEncoding('latin1').on('data', (data: string) => {
      received += data;
      for (;;) {
        const { command, rest } = firstCommand(received);
        if (command === undefined) return;
        received = rest;
        answer(socket, command);
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    port: (server.address() as { port: number }).port,
    hold() {
      held = [];
    },
    release() {
      const waiting = held ?? [];
      held = undefined;
      for (const say of waiting) say();
    },
    asked: () => until(() => (held?.length ?? 0) > 0),
    subscribed: (count) => until(() => subscribers.size >= count),
    announceSwitch() {
      for (const socket of subscribers)
        socket.write(list(bulk('message'), bulk('+switch-master'), bulk('vls 127.0.0.1 1 127.0.0.1 2')));
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The first command of what was received, an array of bulk strings, and what follows it. */
function firstCommand(received: string): { command?: string[]; rest: string } {
  const head = /^\*(\d+)\r\n/.exec(received);
  if (head === null) return { rest: received };
  const command: string[] = [];
  let at = head[0].length;
  for (let part = 0; part < Number(head[1]); part++) {
    const length = /^\$(\d+)\r\n/.exec(received.slice(at, at + 16));
    if (length === null) return { rest: received };
    const start = at + length[0].length;
    at = start + Number(length[1]) + 2;
    if (received.length < at) return { rest: received };
    command.push(received.slice(start, at - 2));
  }
  return { command, rest: received.slice(at) };
}
