import { expect, test } from 'vitest';
import type { Logger } from '../../../shared/log.ts';
import { quietMs, warnRarely } from '../../../shared/telemetry/rare-warnings.ts';

test('a fault that repeats is logged once, and ten minutes later once more with its number', () => {
  const lines: unknown[] = [];
  const log = { warn: (fields: object, message: string) => lines.push({ ...fields, message }) } as unknown as Logger;
  let now = 0;
  const warn = warnRarely(log, 'traces', () => now);
  for (let port = 0; port < 100; port++) warn(`connect ECONNREFUSED 10.0.0.2:${4318 + port}`);
  warn('another fault');
  expect(lines).toEqual([
    { detail: 'connect ECONNREFUSED 10.0.0.2:4318', message: 'traces' },
    { detail: 'another fault', message: 'traces' },
  ]);
  now = quietMs;
  warn('connect ECONNREFUSED 10.0.0.2:1');
  expect(lines.at(-1)).toEqual({ detail: 'connect ECONNREFUSED 10.0.0.2:1', repeated: 99, message: 'traces' });
});
