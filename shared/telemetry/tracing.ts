import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../config.ts';
import type { Logger } from '../log.ts';
import { version } from '../version.ts';

export type TracingConfig = Pick<Config, 'otlpEndpoint' | 'otelServiceName'>;

export interface Tracing {
  /** Sends what has not been sent, as far as the collector takes it in time. */
  stop(): Promise<void>;
}

/** Longest time that the end of a process waits for the collector, in milliseconds. */
const flushMs = 2_000;

/**
 * Sends traces to `OTEL_EXPORTER_OTLP_ENDPOINT`; without it, nothing is loaded. The SDK takes 0.2 to 0.5 s to load, so
 * it is started beside what else a start waits for. What config.ts does not name (headers, certificates, limits) the SDK
 * reads by the names that its specification gives them.
 */
export async function startTracing(config: TracingConfig, title: string, log: Logger): Promise<Tracing> {
  if (config.otlpEndpoint === undefined) return { stop: async () => {} };
  const [{ startNodeSdk }, { DiagLogLevel, diag }] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/api'),
  ]);
  const sdk = startNodeSdk({
    logLevel: 'none',
    resourceAttributes: { 'service.name': config.otelServiceName ?? title, 'service.version': version },
    // Metrics are scraped, and logs are lines on stdout.
    metricReaders: [],
    logRecordProcessors: [],
  });
  const report = (message: string) => log.warn({ detail: message.slice(0, 500) }, 'traces');
  diag.setLogger(
    { error: report, warn: report, info: () => {}, debug: () => {}, verbose: () => {} },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  // The address may carry a name and a password.
  log.info({ endpoint: new URL(config.otlpEndpoint).origin }, 'tracing');
  return {
    async stop() {
      await Promise.race([sdk.shutdown().catch(() => {}), delay(flushMs, undefined, { ref: false })]);
    },
  };
}
