import { readFileSync } from 'node:fs';
import type { Client, Request } from 'autocannon';

/** What a scenario needs to know about the service and the images it is to score. */
export interface Target {
  /** Address of the n-th image, each a different one; absent where the service can fetch none. */
  imageUrl?: (n: number) => string;
  model?: string;
  /** Headers of every request. */
  headers: Record<string, string>;
}

/** What one connection does, request after request, until the time is over. */
export type Behaviour = (target: Target, seen: Seen) => (client: Client) => void;

/** What autocannon does not see: batches are many requests. */
export interface Seen {
  batches: { seconds: number; items: number; failed: number }[];
  /** Paths of the batches that have not ended. */
  open: Set<string>;
}

/** Bounds of a scenario: over them it fails. Milliseconds and seconds are for the default number of connections. */
export interface Thresholds {
  /** Share of requests that may be answered with anything but 2xx, or not at all. */
  errorShare: number;
  p50Ms?: number;
  p99Ms?: number;
  batchP50Seconds?: number;
  failedItems?: number;
}

export interface Scenario {
  name: string;
  what: string;
  /** Loads that run side by side; the latency that counts is that of the first. */
  loads: { behaviour: Behaviour; connections: (asked: number) => number; requestsPerSecond?: number }[];
  needsImages: boolean;
  thresholds: Thresholds;
}

export const itemsPerBatch = 64;
const photo = readFileSync(new URL('../../examples/photos/coffee.jpg', import.meta.url)).toString('base64');
const root = '/evaluator/v1/evaluation';

// Texts that were never seen before, so that no cache answers.
let next = 0;
const freshText = () => `a photo of thing number ${next++} on a table`;
const post = ({ headers, model }: Target, path: string, body: object): Request => ({
  method: 'POST',
  path,
  headers: { ...headers, 'content-type': 'application/json' },
  body: JSON.stringify({ ...body, model }),
});

const single =
  (image: (target: Target) => string): Behaviour =>
  (target) =>
  (client) =>
    client.setRequests([
      {
        setupRequest: (request) => ({
          ...request,
          ...post(target, `${root}/single`, { image: image(target), text: freshText() }),
        }),
      },
    ]);

const addressed = (target: Target): string => target.imageUrl?.(next) ?? '';

/** Posts a batch, asks for its status until it has ended, and posts the next. */
const batches: Behaviour = (target, seen) => (client) => {
  let posted: { path: string; at: number } | undefined;
  client.setRequests([
    {
      setupRequest: (request) => {
        if (posted !== undefined)
          return { ...request, method: 'GET', path: posted.path, headers: target.headers, body: '' };
        const items = Array.from({ length: itemsPerBatch }, () => ({ image: addressed(target), text: freshText() }));
        return { ...request, ...post(target, `${root}/batch`, { items }) };
      },
      onResponse: (status, body) => {
        if (status >= 300) return;
        const { id, finishedAt, items } = JSON.parse(body) as {
          id: string;
          finishedAt: string | null;
          items: { total: number; failed: number };
        };
        posted ??= { path: `${root}/batch/${id}`, at: performance.now() };
        seen.open.add(posted.path);
        if (finishedAt === null) return;
        seen.open.delete(posted.path);
        seen.batches.push({
          seconds: (performance.now() - posted.at) / 1000,
          items: items.total,
          failed: items.failed,
        });
        posted = undefined;
      },
    },
  ]);
};

const asAsked = (connections: number) => connections;
const posters = (connections: number) => Math.max(1, Math.ceil(connections / 4));
const pollsPerSecond = 40;

export const scenarios: Scenario[] = [
  {
    name: 'single by url',
    what: 'one pair a request, a different image and text each time',
    loads: [{ behaviour: single(addressed), connections: asAsked }],
    needsImages: true,
    thresholds: { errorShare: 0, p50Ms: 500, p99Ms: 2_000 },
  },
  {
    name: 'single inline',
    what: 'one pair a request, the image as base64 in it, the same each time',
    loads: [{ behaviour: single(() => photo), connections: asAsked }],
    needsImages: false,
    thresholds: { errorShare: 0, p50Ms: 300, p99Ms: 1_000 },
  },
  {
    name: 'batch',
    what: `batches of ${itemsPerBatch} pairs, each posted and polled until it has ended`,
    loads: [{ behaviour: batches, connections: posters, requestsPerSecond: pollsPerSecond }],
    needsImages: true,
    thresholds: { errorShare: 0, p99Ms: 1_000, batchP50Seconds: 10, failedItems: 0 },
  },
  {
    name: 'mixed',
    what: 'single pairs by url while batches run',
    loads: [
      { behaviour: single(addressed), connections: posters },
      { behaviour: batches, connections: posters, requestsPerSecond: pollsPerSecond },
    ],
    needsImages: true,
    thresholds: { errorShare: 0, p50Ms: 500, p99Ms: 2_000, batchP50Seconds: 20, failedItems: 0 },
  },
];
