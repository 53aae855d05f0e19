import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { bearer } from '../key-file.ts';
import { generateLoad } from '../load/generator.ts';
import type { Hosts } from './hosts.ts';

/** One attack: a row of the table. */
export interface Attack {
  name: string;
  what: string;
  /** Attacks until the signal of `hostile` is aborted. */
  run(hostile: Hostile): Promise<void>;
}

/** The tenant that attacks, and what it attacks with. */
export interface Hostile {
  hosts: Hosts;
  /** Address of a key in the folder that this tenant may post from by reference. */
  reference(key: string): string;
  signal: AbortSignal;
  /** 0 to 1, from the seed of the run. */
  random(): number;
  /** Sends with the tenant's key. Never throws: status 0 is no answer. */
  send(path: string, body?: string | Buffer, headers?: Record<string, string | undefined>): Promise<Reply>;
  get(path: string): Promise<Reply>;
  /** Posts a batch, which is deleted when the attack has ended. Its id, unless it was refused. */
  post(body: string | Buffer | object, headers?: Record<string, string>): Promise<string | undefined>;
  remove(id: string): Promise<void>;
  /** Polls until the batch has ended. */
  ended(id: string): Promise<void>;
  /** A connection with this head of a request on it; the key is added. */
  open(head: string): Socket;
  /** Keeps so many connections open, and opens closed ones again, at most 50 a second. */
  hold(count: number, open: () => Socket): Promise<void>;
  /** Acts at this rate, with a bound on acts at a time and on acts altogether. */
  every(perSecond: number, bounds: { atOnce: number; most?: number }, act: () => Promise<unknown>): Promise<void>;
}

export interface Reply {
  status: number;
  text: string;
}

export interface Battlefield {
  /** The service, without its prefix. */
  base: string;
  key: string;
  hosts: Hosts;
  /** Folder of the tenant in the bucket, with a slash at its end. */
  folder: string;
}

/** What came of the requests of an attack: how often each status; 0 is no answer. */
export type Counts = Record<string, number>;

const batches = '/v1/evaluation/batch';
const opensPerSecond = 50;
/** For deleting what an attack has posted, in milliseconds. */
const cleanUpMs = 60_000;

/** @returns the tenant, its counts, and a step that deletes its batches once the signal is aborted. */
export function createHostile(field: Battlefield, signal: AbortSignal, random: () => number) {
  const root = `${field.base}/evaluator`;
  const { hostname, port } = new URL(field.base);
  const counts: Counts = {};
  const posted = new Set<string>();

  async function ask(path: string, init: RequestInit, until: AbortSignal = signal): Promise<Reply> {
    const reply = await fetch(root + path, { ...init, signal: until })
      .then(async (response) => ({ status: response.status, text: await response.text() }))
      .catch(() => ({ status: 0, text: '' }));
    if (!until.aborted) counts[reply.status] = (counts[reply.status] ?? 0) + 1;
    return reply;
  }
  const withKey = (headers: Record<string, string | undefined> = {}) =>
    Object.fromEntries(
      Object.entries({ ...bearer(field.key), 'content-type': 'application/json', ...headers }).filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      ),
    );

  const hostile: Hostile = {
    hosts: field.hosts,
    reference: (key) => field.folder + key,
    signal,
    random,
    send: (path, body = '', headers = {}) =>
      ask(path, { method: 'POST', body: body as NonNullable<RequestInit['body']>, headers: withKey(headers) }),
    get: (path) => ask(path, { headers: bearer(field.key) }),
    async post(body, headers = {}) {
      const isBytes = typeof body === 'string' || Buffer.isBuffer(body);
      const { status, text } = await hostile.send(batches, isBytes ? body : JSON.stringify(body), headers);
      if (status !== 202) return undefined;
      const { id } = JSON.parse(text) as { id: string };
      posted.add(id);
      return id;
    },
    async remove(id) {
      await ask(`${batches}/${id}`, { method: 'DELETE', headers: bearer(field.key) });
    },
    async ended(id) {
      while (!signal.aborted) {
        const { status, text } = await hostile.get(`${batches}/${id}`);
        if (status === 200 && (JSON.parse(text) as { finishedAt: string | null }).finishedAt !== null) return;
        await pause(250);
      }
    },
    open(head) {
      counts['opened'] = (counts['opened'] ?? 0) + 1;
      const socket = connect(Number(port), hostname);
      socket.on('error', () => {});
      const lines = [head, `Host: ${hostname}:${port}`, `Authorization: Bearer ${field.key}`];
      socket.write(`${lines.join('\r\n')}\r\n\r\n`);
      return socket;
    },
    async hold(count, open) {
      const held = new Set<Socket>();
      signal.addEventListener('abort', () => {
        for (const socket of held) socket.destroy();
      });
      await hostile.every(opensPerSecond, { atOnce: count }, async () => {
        const socket = open();
        held.add(socket);
        await once(socket, 'close');
        held.delete(socket);
      });
    },
    async every(perSecond, bounds, act) {
      await generateLoad(async () => String(await act()), { ...bounds, perSecond, signal });
      // The attack lasts until it is stopped: what it holds stays held.
      if (!signal.aborted) await once(signal, 'abort');
    },
  };
  const pause = (ms: number) => delay(ms, undefined, { signal }).catch(() => {});

  async function cleanUp(): Promise<void> {
    const until = AbortSignal.timeout(cleanUpMs);
    for (const id of posted) {
      while (!until.aborted) {
        const init = { method: 'DELETE', headers: bearer(field.key) };
        const { status } = await ask(`${batches}/${id}`, init, until);
        if (status === 204 || status === 404) break;
        await delay(200);
      }
    }
    posted.clear();
  }
  return { hostile, counts, cleanUp };
}
