import type { RequestListener } from 'node:http';
import type { Encoders } from '../models/pool/encoders.ts';
import type { Metrics } from '../shared/metrics.ts';
import type { RedisWatch } from '../shared/redis/watch.ts';

export interface ProbeDeps {
  metrics: Metrics;
  redisWatch: Pick<RedisWatch, 'describe'>;
  encoders: Encoders;
  /** Returns the current fault of this worker, or null when it is healthy. */
  fault: () => string | null;
  /** Returns the time in ms for which chunks have been waiting while this worker was idle and received none. */
  silentMs: () => number;
}

/**
 * The time in ms after which a silent worker must be restarted. A worker is silent when it is idle and receives no
 * chunk although chunks are waiting. After one minute of silence it opens new connections, which usually helps.
 */
const deadAfterMs = 150_000;

/**
 * Creates the health and metrics endpoints of a worker that runs as a separate process (`METRICS_PORT`):
 * `/health/live`, `/health/ready`, `/metrics`.
 */
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
