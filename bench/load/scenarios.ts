import { setTimeout as delay } from 'node:timers/promises';
import type { BatchStatus } from '../../shared/contracts/batch.ts';
import type { Answer } from '../../testing/client.ts';
import { readPhoto } from '../../testing/images/host.ts';

/** A service under load, and what a scenario needs to know about it. */
export interface Target {
  /** Sends one request, counts its answer and its duration, and returns the answer. */
  ask<Body>(method: 'GET' | 'POST', path: string, body?: object): Promise<Answer<Body>>;
  /** Address of the n-th image, each a different one. Absent where the service can fetch none. */
  imageUrl?: ((n: number) => string) | undefined;
  /** Called with each batch that has ended. */
  onBatch(batch: { seconds: number; items: number; failed: number }): void;
  /** Aborted when the time is over. */
  signal: AbortSignal;
}

/** Bounds of a scenario. Milliseconds and seconds are for the default number of connections. */
export interface Thresholds {
  /** Share of requests that are answered with anything but 2xx, or not at all. */
  errorShare: number;
  p50Ms?: number;
  p99Ms: number;
  batchP50Seconds?: number;
  failedItems?: number;
}

export interface Scenario {
  name: string;
  what: string;
  /** Acts that run side by side, each on its share of the connections. The latency that counts is that of the first. */
  loads: { act: (target: Target) => Promise<number>; connections: (asked: number) => number }[];
  needsImages: boolean;
  thresholds: Thresholds;
}

export const itemsPerBatch = 64;
const photo = readPhoto('coffee.jpg').toString('base64');
const pollMs = 100;

// Texts that were never seen before, so that no cache answers.
let next = 0;
const pair = (image: (n: number) => string) => ({ image: image(next), text: `a photo of thing number ${next++}` });
const addressed = (target: Target) => pair(target.imageUrl ?? (() => ''));

const single = (pairFor: (target: Target) => object) => async (target: Target) =>
  (await target.ask('POST', '/v1/evaluation/single', pairFor(target))).status;

/** Posts a batch and asks for its status until it has ended. Cancels it when the time is over: it would slow the next. */
async function batch(target: Target): Promise<number> {
  const start = performance.now();
  const items = Array.from({ length: itemsPerBatch }, () => addressed(target));
  const posted = await target.ask<BatchStatus>('POST', '/v1/evaluation/batch', { items });
  if (posted.status !== 202) return posted.status;
  const path = `/v1/evaluation/batch/${posted.body.id}`;
  for (let answer: Answer<BatchStatus> = posted; ; answer = await target.ask<BatchStatus>('GET', path)) {
    const { status, body } = answer;
    const isEnded = status < 300 && body.finishedAt !== null;
    if (isEnded) {
      const { total, failed } = body.items;
      target.onBatch({ seconds: (performance.now() - start) / 1000, items: total, failed });
    } else if (target.signal.aborted) await target.ask('POST', `${path}/cancel`);
    if (isEnded || target.signal.aborted) return status;
    await delay(pollMs, undefined, { signal: target.signal }).catch(() => {});
  }
}

const quarter = (connections: number) => Math.max(1, Math.ceil(connections / 4));
const all = (connections: number) => connections;

export const scenarios: Scenario[] = [
  {
    name: 'single by url',
    what: 'one pair a request, a different image and text each time',
    loads: [{ act: single(addressed), connections: all }],
    needsImages: true,
    thresholds: { errorShare: 0, p50Ms: 500, p99Ms: 2_000 },
  },
  {
    name: 'single inline',
    what: 'one pair a request, the image as base64 in it, the same each time',
    loads: [{ act: single(() => pair(() => photo)), connections: all }],
    needsImages: false,
    thresholds: { errorShare: 0, p50Ms: 300, p99Ms: 1_000 },
  },
  {
    name: 'batch',
    what: `batches of ${itemsPerBatch} pairs, each posted and polled until it has ended`,
    loads: [{ act: batch, connections: quarter }],
    needsImages: true,
    thresholds: { errorShare: 0, p99Ms: 1_000, batchP50Seconds: 10, failedItems: 0 },
  },
  {
    name: 'mixed',
    what: 'single pairs by url while batches run',
    loads: [
      { act: single(addressed), connections: quarter },
      { act: batch, connections: quarter },
    ],
    needsImages: true,
    thresholds: { errorShare: 0, p50Ms: 500, p99Ms: 2_000, batchP50Seconds: 20, failedItems: 0 },
  },
];
