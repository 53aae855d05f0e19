import { readConfig } from '../shared/config.ts';

/**
 * The health check of the container image: succeeds when the container is ready. An API answers on PORT, a worker on
 * METRICS_PORT.
 */
const { port, metricsPort } = readConfig();
const addresses = [`http://127.0.0.1:${port}/evaluator/health/ready`, `http://127.0.0.1:${metricsPort}/health/ready`];

const answers = addresses.map(async (address) => {
  const { ok, status } = await fetch(address, { signal: AbortSignal.timeout(4_000) });
  if (!ok) throw new Error(`${address} answers ${status}`);
});
try {
  await Promise.any(answers);
} catch (error) {
  for (const { message, cause } of (error as AggregateError).errors) {
    process.stderr.write(`${message}${cause ? ` (${(cause as Error).message})` : ''}\n`);
  }
  process.exitCode = 1;
}
