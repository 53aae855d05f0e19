import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { cpuSecondsOf } from '../processes/usage.ts';
import type { TestRedis } from './single.ts';

/** Recorded commands in the order in which Redis executed them. */
export interface Traffic {
  commands: number;
  bytes: Buffer;
}

/**
 * Commands that are not replayed: about the connection, or blocking the single one of a replay. `MONITOR` also lists
 * commands within scripts, which a replayed script runs by itself.
 */
const left = new Set(['hello', 'client', 'info', 'config', 'cluster', 'command', 'monitor', 'bzpopmin', 'select']);

export async function recordTraffic(redis: TestRedis): Promise<{ stop(): Promise<Traffic> }> {
  const socket = await connect(redis);
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  socket.write('MONITOR\r\n');
  await once(socket, 'data');
  return {
    async stop() {
      const end = await connect(redis);
      // `MONITOR` reports this ECHO after all commands to record.
      end.write('ECHO recorded\r\n');
      while (!Buffer.concat(parts.slice(-2)).includes('"recorded"')) await once(socket, 'data');
      end.destroy();
      socket.destroy();
      const commands = Buffer.concat(parts).toString('latin1').split('\r\n').flatMap(commandIn);
      return { commands: commands.length, bytes: Buffer.concat(commands) };
    },
  };
}

/**
 * Sends the recorded commands to a fresh Redis without pauses. Returns the elapsed time and the CPU time of Redis in
 * seconds.
 */
export async function replayTraffic(redis: TestRedis, traffic: Traffic): Promise<{ wall: number; cpu: number }> {
  const socket = await connect(redis);
  const cpuBefore = cpuSecondsOf(redis.pid());
  const start = performance.now();
  let tail = '';
  const answered = new Promise<void>((resolve, reject) => {
    socket.on('data', (part: Buffer) => {
      tail = (tail + part.subarray(-64).toString('latin1')).slice(-64);
      if (tail.endsWith('$8\r\nreplayed\r\n')) resolve();
    });
    socket.on('error', reject);
  });
  socket.write(traffic.bytes);
  socket.write('ECHO replayed\r\n');
  await answered;
  const wall = (performance.now() - start) / 1000;
  const cpu = cpuSecondsOf(redis.pid()) - cpuBefore;
  socket.destroy();
  return { wall, cpu };
}

async function connect({ url }: TestRedis): Promise<Socket> {
  const socket = createConnection(url);
  await once(socket, 'connect');
  return socket;
}

/**
 * Converts a line of `MONITOR`, such as `+1700000000.1 [0 unix:/socket] "SET" "key" "\x00value"`, to the protocol of
 * Redis. Returns an empty list for a command that is not replayed.
 */
export function commandIn(line: string): Buffer[] {
  const [, source = '', rest] = /^\+[\d.]+ \[\d+ ([^\]]*)\] (.*)$/s.exec(line) ?? [];
  if (rest === undefined || source === 'lua') return [];
  const words = [...rest.matchAll(/"((?:[^"\\]|\\.)*)"/gs)].map(([, word = '']) => unescaped(word));
  const [name] = words;
  if (name === undefined || left.has(name.toString('latin1').toLowerCase())) return [];
  const encoded = words.flatMap((word) => [Buffer.from(`$${word.length}\r\n`), word, Buffer.from('\r\n')]);
  return [Buffer.concat([Buffer.from(`*${words.length}\r\n`), ...encoded])];
}

const named: Record<string, string> = { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b' };

const unescaped = (word: string): Buffer =>
  Buffer.from(
    word.replace(/\\(?:x([0-9a-f]{2})|(.))/gs, (_, hex: string | undefined, letter: string) =>
      hex === undefined ? (named[letter] ?? letter) : String.fromCharCode(Number.parseInt(hex, 16)),
    ),
    'latin1',
  );
