import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../config.ts';
import type { Logger } from '../log.ts';
import { version } from '../version.ts';
import { warnRarely } from './rare-warnings.ts';

export type TracingConfig = Pick<Config, 'otlpEndpoint'>;

export interface Tracing {
  /** Sends the remaining spans, then stops tracing. Takes at most {@link flushMs}. */
  stop(): Promise<void>;
}

const machineIds = ['/etc/machine-id', '/var/lib/dbus/machine-id'];

/** The maximum time in ms that a process waits for the trace collector before it exits. */
const flushMs = 2_000;

/**
 * Sends traces to `OTEL_EXPORTER_OTLP_ENDPOINT`. Only then is the SDK loaded, in 0.2 to 0.5 s in parallel with the
 * startup. The SDK reads further settings from OpenTelemetry's standard environment variables.
 */
export async function startTracing(config: TracingConfig, title: string, log: Logger): Promise<Tracing> {
  if (config.otlpEndpoint === undefined) return { stop: async () => {} };
  const [{ startNodeSdk }, { DiagLogLevel, diag }] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/api'),
  ]);
  // The default name is set in the environment, because a resource attribute would replace the operator's name.
  process.env['OTEL_SERVICE_NAME'] ||= title;
  const hasId = machineIds.some((path) => existsSync(path));
  // Containers have no machine id, and the SDK's host detector would warn at every start.
  if (!hasId) process.env['OTEL_NODE_RESOURCE_DETECTORS'] ||= 'service,process';
  const sdk = startNodeSdk({
    logLevel: 'none',
    resourceAttributes: { 'service.version': version, ...(!hasId && { 'host.name': hostname() }) },
    // Prometheus scrapes the metrics, and logs are lines on stdout.
    metricReaders: [],
    logRecordProcessors: [],
  });
  const report = warnRarely(log, 'traces');
  diag.setLogger(
    { error: report, warn: report, info: () => {}, debug: () => {}, verbose: () => {} },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  // The address may contain a user name and a password.
  log.info({ endpoint: new URL(config.otlpEndpoint).origin }, 'tracing');
  return {
    async stop() {
      await Promise.race([sdk.shutdown().catch(() => {}), delay(flushMs, undefined, { ref: false })]);
    },
  };
}
