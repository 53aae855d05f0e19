import type { RequestListener } from 'node:http';
import type { Encoders } from '../models/pool/encoders.ts';
import type { Metrics } from '../shared/metrics.ts';
import type { RedisWatch } from '../shared/redis/watch.ts';

export interface ProbeDeps {
  metrics: Metrics;
  redisWatch: Pick<RedisWatch, 'sentence'>;
  encoders: Encoders;
  /** What keeps this worker from evaluating, or nothing. */
  fault: () => string | null;
  /** How long work has waited while this worker was idle and took none, in milliseconds. */
  silentMs: () => number;
}

/** A silent worker begins anew by itself after a minute; one that is silent still must be restarted, in milliseconds. */
const deadAfterMs = 150_000;

/** Health and metrics of a worker on its own (`METRICS_PORT`): `/health/live`, `/health/ready`, `/metrics`. */
export function createProbes({ metrics, redisWatch, encoders, fault, silentMs }: ProbeDeps): RequestListener {
  const whyNot = (): string | null => {
    const redisFault = redisWatch.sentence();
    if (redisFault !== undefined) return redisFault;
    if (!encoders.states().some(({ state }) => state === 'ready')) return 'no model is loaded';
    return fault();
  };
  metrics.onScrape({
    read: () => [{ name: 'vls_ready', labels: {}, value: whyNot() === null ? 1 : 0 }],
  });
  return (request, response) => {
    const plain = (status: number, body: string, type = 'text/plain') =>
      void response.writeHead(status, { 'content-type': type }).end(body);
    switch (request.url?.split('?', 1)[0]) {
      case '/health/live':
        return silentMs() < deadAfterMs
          ? plain(200, 'live\n')
          : plain(503, 'not live: chunks wait and none is taken\n');
      case '/health/ready':
        return whyNot() === null ? plain(200, 'ready\n') : plain(503, `not ready: ${whyNot()}\n`);
      case '/metrics':
        return void metrics.text().then(
          (text) => plain(200, text, metrics.contentType),
          (error: Error) => plain(500, `${error.message}\n`),
        );
      default:
        return plain(404, 'There are /health/live, /health/ready and /metrics\n');
    }
  };
}
