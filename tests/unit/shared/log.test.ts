import { PassThrough } from 'node:stream';
import { pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import { expect, test } from 'vitest';
import { logOptions, onTerminal } from '../../../shared/log.ts';

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

test('on a terminal each line of the log is one line, however many fields it has', () => {
  const request = { requestId: 'r1', method: 'POST', path: '/evaluator/v1/evaluation/single', status: 200, ms: 12 };
  const line = { level: 'info', time: new Date(0).toISOString(), pid: 1, hostname: 'h', name: 'vls', msg: 'request' };
  const printed = prettyFactory({ ...onTerminal, colorize: false })({ ...line, ...request });
  expect(printed.trimEnd().split('\n')).toHaveLength(1);
  expect(printed).toContain('"path":"/evaluator/v1/evaluation/single"');
});
