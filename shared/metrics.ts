import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';

/** The metrics of one process. Units are seconds and bytes; labels have few values, all from closed lists. */
export interface Metrics {
  /** Everything, in Prometheus' text format. */
  text(): Promise<string>;
  readonly contentType: string;
  /** One HTTP request: its route pattern (never the raw path), method, status and duration. */
  request(labels: { method: string; route: string; status: number }, seconds: number): void;
  /** Items with their outcome; `code` is empty for those that succeeded. */
  items(labels: { mode: 'single' | 'batch'; outcome: 'succeeded' | 'failed'; code: string }, count: number): void;
  /** One stage of an evaluation. */
  stage(stage: 'fetch' | 'decode' | 'inference', seconds: number): void;
  /** A chunk from pick to commit. */
  chunk(profile: string, seconds: number): void;
}

const latencyBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: 'vls_http_request_duration_seconds',
    help: 'Duration of HTTP requests',
    labelNames: ['method', 'route', 'status'],
    buckets: latencyBuckets,
    registers,
  });
  const items = new Counter({
    name: 'vls_items_total',
    help: 'Evaluated items by outcome and failure code',
    labelNames: ['mode', 'outcome', 'code'],
    registers,
  });
  const stages = new Histogram({
    name: 'vls_stage_duration_seconds',
    help: 'Duration of the stages of an evaluation',
    labelNames: ['stage'],
    buckets: [0.001, 0.0025, ...latencyBuckets],
    registers,
  });
  const chunks = new Histogram({
    name: 'vls_chunk_duration_seconds',
    help: 'Duration of a chunk from pick to commit',
    labelNames: ['profile'],
    buckets: latencyBuckets,
    registers,
  });
  return {
    text: () => registry.metrics(),
    contentType: registry.contentType,
    request: ({ method, route, status }, seconds) => requests.observe({ method, route, status }, seconds),
    items: (labels, count) => items.inc(labels, count),
    stage: (stage, seconds) => stages.observe({ stage }, seconds),
    chunk: (profile, seconds) => chunks.observe({ profile }, seconds),
  };
}
