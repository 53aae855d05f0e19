import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import { createClient } from '../client.ts';
import { bearer } from '../key-file.ts';
import { durationsOf, generateLoad } from '../load/generator.ts';
import type { Stage } from './stage.ts';

/** The requests that the ordinary tenant repeats while its batch runs, with their intervals in ms. */
export const probes = { single: 250, rank: 1_000, large: 2_000, webhook: 3_000, reference: 3_000 } as const;
export type Probe = keyof typeof probes;
export const probeNames = Object.keys(probes) as Probe[];

export interface Experience {
  /** The time in s from the post to the end of the batch, or the time limit. */
  batchSeconds: number;
  batchEnded: boolean;
  /** The latencies in ms by kind of request. For a request without a response, the time until it was aborted. */
  probes: Record<Probe, number[]>;
  /** The number of refused or failed requests and items, by kind and error code. */
  refused: Record<string, number>;
}

export interface ExperienceOptions {
  items: number;
  /** The minimum and maximum duration of a measurement in s. The minimum allows several requests of each kind. */
  least: number;
  most: number;
}

const itemsByReference = 64;
/** The maximum number of requests of one kind in flight. */
const mostFlying = 40;
/** The time in ms that requests in flight at the end of a measurement may still take. */
const lastAnswersMs = 5_000;

/**
 * Creates the ordinary tenant, whose work no attack of another tenant may slow down. It retries only the post of its
 * batch.
 */
export async function createOrdinary(stage: Stage) {
  let number = 0;
  const fresh = (path = 'small') => ({
    image: `${stage.hosts.healthy}/${path}?n=${++number}`,
    text: `a photo of thing number ${number} on a table`,
  });
  const hooks = new Map<string, () => void>();
  const receiver = createServer((request, response) => {
    hooks.get(request.url ?? '')?.();
    response.end();
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const hookOrigin = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  await stage.s3.put(
    'ordinary/pairs.ndjson',
    Array.from({ length: itemsByReference }, () => JSON.stringify(fresh())).join('\n'),
  );

  /** Sends one request. @returns the HTTP status and error code of a failure; undefined after success. */
  type Act = (signal: AbortSignal) => Promise<string | undefined>;

  async function live({ items, least, most }: ExperienceOptions): Promise<Experience> {
    const client = createClient(stage.base(), bearer(stage.keys.ordinary));
    const batchPath = '/v1/evaluation/batch';
    const refused: Record<string, number> = {};
    const refuse = (what: string, count = 1) => (refused[what] = (refused[what] ?? 0) + count);
    const posted: string[] = [];

    const post = async (path: string, body: object, signal: AbortSignal) => {
      const headers = { 'content-type': 'application/json' };
      const init = { method: 'POST', headers, body: JSON.stringify(body), signal };
      const answer = await client.call<{ code?: string; id: string }>(path, init);
      if (answer.status === 202) posted.push(answer.body.id);
      return { ...answer, fault: answer.status < 300 ? undefined : `${answer.status} ${answer.body.code}` };
    };
    const untilBatch = async (id: string, signal: AbortSignal, isSo: (status: BatchStatus) => boolean) => {
      for (;;) {
        const { status, body } = await client.call<BatchStatus>(`${batchPath}/${id}`, { signal });
        if (status === 200 && isSo(body)) return body;
        if (status !== 200) refuse(`status ${status}`);
        await delay(100, undefined, { signal });
      }
    };
    const acts: Record<Probe, Act> = {
      single: async (signal) => (await post('/v1/evaluation/single', fresh(), signal)).fault,
      large: async (signal) => (await post('/v1/evaluation/single', fresh('large'), signal)).fault,
      rank: async (signal) => {
        const images = Array.from({ length: 4 }, () => fresh().image);
        return (await post('/v1/evaluation/rank', { images, text: fresh().text }, signal)).fault;
      },
      webhook: async (signal) => {
        const path = `/${++number}`;
        const called = new Promise<void>((resolve, reject) => {
          hooks.set(path, resolve);
          signal.addEventListener('abort', () => reject(signal.reason));
        });
        called.catch(() => {});
        const body = { items: [fresh()], webhook: { url: hookOrigin + path } };
        const { fault } = await post(batchPath, body, signal);
        if (fault === undefined) await called;
        hooks.delete(path);
        return fault;
      },
      reference: async (signal) => {
        const folder = 's3://vls-test/ordinary/';
        const body = { input: `${folder}pairs.ndjson`, output: `${folder}${++number}/` };
        const { body: answer, fault } = await post(batchPath, body, signal);
        if (fault === undefined) await untilBatch(answer.id, signal, ({ finishedAt }) => finishedAt !== null);
        return fault;
      },
    };

    const start = performance.now();
    const seconds = () => (performance.now() - start) / 1000;
    /** `over` ends new requests. Then `cut` ends the wait for responses. */
    const over = new AbortController();
    const cut = new AbortController();
    const deadline = AbortSignal.timeout(1000 * most);

    async function probe(name: Probe): Promise<number[]> {
      const act = async () => {
        const fault = await acts[name](cut.signal).catch(() => (cut.signal.aborted ? undefined : 'no answer'));
        if (fault !== undefined) refuse(`${name}: ${fault}`);
        return name;
      };
      const pace = { perSecond: 1000 / probes[name], atOnce: mostFlying, signal: over.signal };
      return durationsOf(await generateLoad(act, pace));
    }

    async function batch(): Promise<boolean> {
      const body = { items: Array.from({ length: items }, () => fresh()) };
      try {
        for (;;) {
          const { fault, body: answer } = await post(batchPath, body, deadline);
          if (fault === undefined) {
            const status = await untilBatch(answer.id, deadline, ({ finishedAt }) => finishedAt !== null);
            for (const [code, count] of Object.entries(status.failures)) refuse(`item: ${code}`, count);
            return true;
          }
          refuse(`batch: ${fault}`);
          await delay(500, undefined, { signal: deadline });
        }
      } catch {
        if (!deadline.aborted) refuse('batch: no answer');
        return false;
      }
    }

    const probing = Promise.all(probeNames.map(async (name) => [name, await probe(name)] as const));
    const batchEnded = await batch();
    const batchSeconds = batchEnded ? seconds() : most;
    await delay(1000 * Math.max(0, least - seconds()));
    over.abort();
    const cutting = setTimeout(() => cut.abort(), lastAnswersMs);
    const times = Object.fromEntries(await probing) as Record<Probe, number[]>;
    clearTimeout(cutting);
    const headers = { method: 'DELETE', signal: AbortSignal.timeout(20_000) };
    for (const id of posted) await client.call(`${batchPath}/${id}`, headers).catch(() => {});
    return { batchSeconds, batchEnded, probes: times, refused };
  }

  return { live, close: () => void receiver.close() };
}
