import type { RequestListener } from 'node:http';
import type { Encoders } from '../models/pool/encoders.ts';
import type { Metrics } from '../shared/metrics.ts';
import type { RedisWatch } from '../shared/redis/watch.ts';

export interface ProbeDeps {
  metrics: Metrics;
  redisWatch: Pick<RedisWatch, 'describe'>;
  encoders: Encoders;
  fault: () => string | null;
  /** Returns the ms for which this worker was idle without a chunk although chunks were waiting. */
  silentMs: () => number;
}

/**
 * Milliseconds after which a silent worker must be restarted. It opens new connections after one minute, which usually
 * helps.
 */
const deadAfterMs = 150_000;

/** Creates the health and metrics endpoints of a separate worker process (`METRICS_PORT`). */
export function createProbes({
  metrics,
  redisWatch,
  encoders,
  fault: workerFault,
  silentMs,
}: ProbeDeps): RequestListener {
  const currentFault = (): string | null => {
    const redisFault = redisWatch.describe();
    if (redisFault !== undefined) return redisFault;
    if (!encoders.states().some(({ state }) => state === 'ready')) return 'no model is loaded';
    return workerFault();
  };
  metrics.onScrape({
    read: () => [{ name: 'vls_ready', labels: {}, value: currentFault() === null ? 1 : 0 }],
  });
  return (request, response) => {
    const plain = (status: number, body: string, type = 'text/plain') =>
      void response.writeHead(status, { 'content-type': type }).end(body);
    switch (request.url?.split('?', 1)[0]) {
      case '/health/live':
        return silentMs() < deadAfterMs
          ? plain(200, 'live\n')
          : plain(503, 'not live: chunks are waiting in the queue, but this worker receives none\n');
      case '/health/ready':
        return currentFault() === null ? plain(200, 'ready\n') : plain(503, `not ready: ${currentFault()}\n`);
      case '/metrics':
        return void metrics.text().then(
          (text) => plain(200, text, metrics.contentType),
          (error: Error) => plain(500, `${error.message}\n`),
        );
      default:
        return plain(404, 'Not found. Paths: /health/live, /health/ready, /metrics\n');
    }
  };
}
