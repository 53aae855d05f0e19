import { PassThrough } from 'node:stream';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { logOptions } from '../../../shared/log.ts';

function logged(fields: object): string {
  const out = new PassThrough();
  pino(logOptions({ name: 'test', level: 'info' }), out).info(fields, 'line');
  return String(out.read());
}

test('secrets and image bytes never reach the log, wherever they stand', () => {
  const line = logged({
    req: { headers: { authorization: 'Bearer hunter2', cookie: 'session=hunter2', 'x-api-key': 'hunter2' } },
    headers: { authorization: 'hunter2', 'x-api-key': 'hunter2', 'set-cookie': 'hunter2' },
    authorization: 'hunter2',
    item: { image: { base64: 'hunter2' } },
    image: { base64: 'hunter2' },
    config: { password: 'hunter2', token: 'hunter2', secret: 'hunter2' },
    batchId: 'b1',
  });
  expect(line).not.toContain('hunter2');
  expect(JSON.parse(line)).toMatchObject({ level: 'info', msg: 'line', batchId: 'b1', authorization: '[redacted]' });
});

test('an error takes a bounded part of a line, whatever its message and its causes hold', () => {
  const cause = new Error('x'.repeat(4_000_000));
  const line = logged({ err: new Error('y'.repeat(4_000_000), { cause }) });
  expect(line.length).toBeLessThan(12_000);
  expect(JSON.parse(line).err).toMatchObject({ type: 'Error', message: expect.stringMatching(/^y{1000}/) });
});
