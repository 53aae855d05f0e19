import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../config.ts';
import type { Logger } from '../log.ts';
import { version } from '../version.ts';
import { warnRarely } from './rare-warnings.ts';

export type TracingConfig = Pick<Config, 'otlpEndpoint'>;

export interface Tracing {
  /** Sends the spans that were not sent yet, then stops tracing. Takes at most {@link flushMs}. */
  stop(): Promise<void>;
}

/** The files in which the SDK looks for the machine's id. */
const machineIds = ['/etc/machine-id', '/var/lib/dbus/machine-id'];

/** The maximum time in ms that a process waits for the trace collector before it exits. */
const flushMs = 2_000;

/**
 * Sends traces to `OTEL_EXPORTER_OTLP_ENDPOINT`. Without this setting, the SDK is not loaded. Loading the SDK takes 0.2
 * to 0.5 s, in parallel with the rest of the startup. The SDK reads protocol, headers, sampler and limits from the
 * environment variables of the OpenTelemetry specification.
 */
export async function startTracing(config: TracingConfig, title: string, log: Logger): Promise<Tracing> {
  if (config.otlpEndpoint === undefined) return { stop: async () => {} };
  const [{ startNodeSdk }, { DiagLogLevel, diag }] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/api'),
  ]);
  // The default service name is set as an environment variable, and only if the operator has set none. A resource
  // attribute would replace the name that the operator has set.
  process.env['OTEL_SERVICE_NAME'] ||= title;
  const hasId = machineIds.some((path) => existsSync(path));
  // Containers have no machine id. The host detector of the SDK would log a warning about it at every start, so it is
  // left out.
  if (!hasId) process.env['OTEL_NODE_RESOURCE_DETECTORS'] ||= 'service,process';
  const sdk = startNodeSdk({
    logLevel: 'none',
    resourceAttributes: { 'service.version': version, ...(!hasId && { 'host.name': hostname() }) },
    // The SDK sends neither metrics nor logs: Prometheus scrapes the metrics, and the logs are lines on stdout.
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
