import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { trace } from '@opentelemetry/api';
import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { startTracing } from '../../../shared/telemetry/tracing.ts';
import { until } from '../../../testing/until.ts';

test('a collector that refuses every span leads to one line in the log, not to one for each export', async () => {
  let exports = 0;
  const collector = createServer((request, response) => {
    exports += 1;
    request.resume();
    // The SDK does not try again after this status.
    response.writeHead(400).end();
  });
  await once(collector.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', url);
  vi.stubEnv('OTEL_EXPORTER_OTLP_PROTOCOL', 'http/json');
  vi.stubEnv('OTEL_BSP_SCHEDULE_DELAY', '1');
  vi.stubEnv('OTEL_SERVICE_NAME', undefined);
  const lines: { msg: string }[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const tracing = await startTracing({ otlpEndpoint: url }, 'vls-api', log);
  for (let wanted = 1; wanted <= 4; wanted++) {
    trace.getTracer('test').startSpan('a span').end();
    await until(() => exports >= wanted);
  }
  await tracing.stop();
  expect(lines.map(({ msg }) => msg)).toEqual(['traces']);
  collector.closeAllConnections();
  collector.close();
});
