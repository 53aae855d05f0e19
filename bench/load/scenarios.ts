import { setTimeout as delay } from 'node:timers/promises';
import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import type { Answer } from '../../testing/client.ts';
import { readPhoto } from '../../testing/images/host.ts';

/** The functions with which a scenario uses the service under load. */
export interface Target {
  /** Sends a request, records its status and duration, and returns the response. */
  ask<Body>(method: 'GET' | 'POST', path: string, body?: object): Promise<Answer<Body>>;
  /** Returns the URL of the n-th image; every image is different. Absent when the service cannot download images. */
  imageUrl?: ((n: number) => string) | undefined;
  /** A scenario calls this function for each of its batches that has ended. */
  onBatch(batch: { seconds: number; items: number; failed: number }): void;
  /** Aborts when the measuring time of the scenario is over. */
  signal: AbortSignal;
}

/** The limits that the results of a scenario must not exceed. They apply to the default number of connections. */
export interface Thresholds {
  /** The maximum share of requests that get no 2xx response. */
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
   * The kinds of load that run at the same time. `connections` returns how many of the requested connections one of
   * them uses. Only the latency of the first kind is reported.
   */
  loads: { act: (target: Target) => Promise<number>; connections: (asked: number) => number }[];
  needsImages: boolean;
  thresholds: Thresholds;
}

export const itemsPerBatch = 64;
const photo = readPhoto('coffee.jpg').toString('base64');
const pollMs = 100;

// A number in each text makes all texts different, so that no cache contains them.
let next = 0;
const pair = (image: (n: number) => string) => ({ image: image(next), text: `a photo of thing number ${next++}` });
const addressed = (target: Target) => pair(target.imageUrl ?? (() => ''));

const single = (pairFor: (target: Target) => object) => async (target: Target) =>
  (await target.ask('POST', '/v1/evaluation/single', pairFor(target))).status;

/**
 * Posts a batch and polls its status until the batch has ended. When the time of the scenario is over, it cancels the
 * batch, because a running batch would slow down the next scenario.
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
