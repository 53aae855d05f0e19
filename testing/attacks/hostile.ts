import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { bearer } from '../key-file.ts';
import { generateLoad } from '../load/generator.ts';
import type { Hosts } from './hosts.ts';

/** An attack of one tenant. Each is a row of the report. */
export interface Attack {
  name: string;
  what: string;
  /** Runs until the signal in `hostile` aborts. */
  run(hostile: Hostile): Promise<void>;
}

export interface Hostile {
  hosts: Hosts;
  /** Returns the address of an object in the bucket, for batches by reference. */
  reference(key: string): string;
  signal: AbortSignal;
  /** Returns a random number from 0 to 1, determined by the seed of the run. */
  random(): number;
  /** Sends a POST request with the tenant's key. Never throws; status 0 means no response. */
  send(path: string, body?: string | Buffer, headers?: Record<string, string | undefined>): Promise<Reply>;
  get(path: string): Promise<Reply>;
  /** Posts a batch, which is deleted after the attack. Returns its id, or undefined if it was refused. */
  post(body: string | Buffer | object, headers?: Record<string, string>): Promise<string | undefined>;
  remove(id: string): Promise<void>;
  ended(id: string): Promise<void>;
  /** Opens a connection and sends the head of a request, with the tenant's key. */
  open(head: string): Socket;
  /** Keeps `count` connections open. Opens at most 50 a second. */
  hold(count: number, open: () => Socket): Promise<void>;
  /** Calls `act` at this rate, with at most `atOnce` calls in flight and `most` in total. */
  every(perSecond: number, bounds: { atOnce: number; most?: number }, act: () => Promise<unknown>): Promise<void>;
}

export interface Reply {
  status: number;
  text: string;
}

export interface Battlefield {
  /** Base address of the service, without the path prefix. */
  base: string;
  key: string;
  hosts: Hosts;
  /** The tenant's folder in the bucket, as an `s3://` address that ends with a slash. */
  folder: string;
}

/** The number of responses by HTTP status, 0 for none. `opened` counts connections. */
export type Counts = Record<string, number>;

const batches = '/v1/evaluation/batch';
const opensPerSecond = 50;
const cleanUpMs = 60_000;

/**
 * Creates the attacking tenant.
 * @returns the tenant, its response counts, and a function that deletes its batches after the signal has aborted.
 */
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
      // The connections of the attack must stay open until it is stopped.
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
