import { promises } from 'node:fs';
import { hostname } from 'node:os';
import { trace } from '@opentelemetry/api';
import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { startTracing } from '../../../shared/telemetry/tracing.ts';
import { version } from '../../../shared/version.ts';
import { startOtlpReceiver } from '../../support/otlp-receiver.ts';

// A container: neither the service nor the SDK finds an id of a machine.
const isMachineId = (path: unknown) => /machine-id$/.test(String(path));
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  return { ...fs, existsSync: (path: string) => !isMachineId(path) && fs.existsSync(path) };
});

test('without an id of the machine there is no warning, and spans name the host and the version', async () => {
  const { readFile } = promises;
  vi.spyOn(promises, 'readFile').mockImplementation(((path: string, options: object) =>
    isMachineId(path) ? Promise.reject(new Error('ENOENT')) : readFile(path, options)) as typeof readFile);
  vi.stubEnv('OTEL_EXPORTER_OTLP_PROTOCOL', 'http/json');
  vi.stubEnv('OTEL_NODE_RESOURCE_DETECTORS', undefined);
  vi.stubEnv('OTEL_SERVICE_NAME', undefined);
  const collector = await startOtlpReceiver();
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url);
  const lines: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) });
  try {
    const tracing = await startTracing({ otlpEndpoint: collector.url }, 'vls-api', log);
    trace.getTracer('test').startSpan('a span').end();
    await tracing.stop();
    expect(lines).toEqual([]);
    expect(collector.spans.map(({ name }) => name)).toEqual(['a span']);
    const [span] = collector.spans;
    expect(span?.resource).toMatchObject({ 'host.name': hostname(), 'service.version': version });
    expect(span?.resource).not.toHaveProperty(['host.id']);
  } finally {
    await collector.close();
  }
});
