import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../config.ts';
import type { Logger } from '../log.ts';
import { version } from '../version.ts';
import { warnRarely } from './rare-warnings.ts';

export type TracingConfig = Pick<Config, 'otlpEndpoint'>;

export interface Tracing {
  /** Sends the remaining spans, then stops. Takes at most {@link flushMs}. */
  stop(): Promise<void>;
}

/** The files in which the SDK looks for the machine's id. */
const machineIds = ['/etc/machine-id', '/var/lib/dbus/machine-id'];

/** The maximum time in ms for which a process that ends waits for the collector. */
const flushMs = 2_000;

/**
 * Sends traces to `OTEL_EXPORTER_OTLP_ENDPOINT`. Without this setting, the SDK is not loaded. Loading takes 0.2 to 0.5
 * s, and runs in parallel with the rest of the startup. The SDK reads protocol, headers, sampler and limits from the
 * variables of the OpenTelemetry specification.
 */
export async function startTracing(config: TracingConfig, title: string, log: Logger): Promise<Tracing> {
  if (config.otlpEndpoint === undefined) return { stop: async () => {} };
  const [{ startNodeSdk }, { DiagLogLevel, diag }] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/api'),
  ]);
  // The default name is set as an environment variable. As a resource attribute, it would override a name that the
  // operator sets in the environment.
  process.env['OTEL_SERVICE_NAME'] ||= title;
  const hasId = machineIds.some((path) => existsSync(path));
  // Containers have no machine id, and the SDK's host detector logs a warning about that at every start.
  if (!hasId) process.env['OTEL_NODE_RESOURCE_DETECTORS'] ||= 'service,process';
  const sdk = startNodeSdk({
    logLevel: 'none',
    resourceAttributes: { 'service.version': version, ...(!hasId && { 'host.name': hostname() }) },
    // The SDK sends no metrics, because they are scraped, and no logs, because they are lines on stdout.
    metricReaders: [],
    logRecordProcessors: [],
  });
  const report = warnRarely(log, 'traces');
  diag.setLogger(
    { error: report, warn: report, info: () => {}, debug: () => {}, verbose: () => {} },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  // Only the origin is logged, because the address may contain a user name and a password.
  log.info({ endpoint: new URL(config.otlpEndpoint).origin }, 'tracing');
  return {
    async stop() {
      await Promise.race([sdk.shutdown().catch(() => {}), delay(flushMs, undefined, { ref: false })]);
    },
  };
}
