import { setTimeout as delay } from 'node:timers/promises';
import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import type { Answer } from '../../testing/client.ts';
import { readPhoto } from '../../testing/images/host.ts';

/** The service as a scenario uses it under load. */
export interface Target {
  ask<Body>(method: 'GET' | 'POST', path: string, body?: object): Promise<Answer<Body>>;
  /** Returns the URL of the n-th image; every image is different. Absent when the service cannot download images. */
  imageUrl?: ((n: number) => string) | undefined;
  onBatch(batch: { seconds: number; items: number; failed: number }): void;
  /** Aborts when the measuring time of the scenario is over. */
  signal: AbortSignal;
}

/** The limits of a scenario's results, for the default number of connections. */
export interface Thresholds {
  /** The maximum share of requests without a 2xx response. */
  errorShare: number;
  p50Ms?: number;
  p99Ms: number;
  batchP50Seconds?: number;
  failedItems?: number;
}

export interface Scenario {
  name: string;
  what: string;
  /**
   * The loads that run at the same time. `connections` returns how many of the requested connections one uses. Only the
   * latency of the first is reported.
   */
  loads: { act: (target: Target) => Promise<number>; connections: (asked: number) => number }[];
  needsImages: boolean;
  thresholds: Thresholds;
}

export const itemsPerBatch = 64;
const photo = readPhoto('coffee.jpg').toString('base64');
const pollMs = 100;

// A number in each text keeps it out of all caches.
let next = 0;
const pair = (image: (n: number) => string) => ({ image: image(next), text: `a photo of thing number ${next++}` });
const addressed = (target: Target) => pair(target.imageUrl ?? (() => ''));

const single = (pairFor: (target: Target) => object) => async (target: Target) =>
  (await target.ask('POST', '/v1/evaluation/single', pairFor(target))).status;

/**
 * Posts a batch and polls its status until it has ended. Cancels it after the scenario's time, since it would slow down
 * the next scenario.
 */
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
