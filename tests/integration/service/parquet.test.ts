import { mkdtempSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { Problem } from '../../../shared/contracts/problem.ts';
import { hostileParquet, pairsParquet } from '../../support/parquet-bytes.ts';
import { useService } from '../../support/running-service.ts';

/** A directory of the service's own: a process of another test that is killed may leave a file in the common one. */
const temporary = mkdtempSync(join(tmpdir(), 'vls-spool-'));
const running = useService({ TMPDIR: temporary });
afterAll(() => rm(temporary, { recursive: true, force: true }));

const type = 'application/vnd.apache.parquet';
const pixel =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const pairs = pairsParquet([
  { image: pixel, text: 'a red dot' },
  { image: pixel, text: 'a lake' },
]);

const post = (body: Buffer<ArrayBufferLike> | FormData, headers: Record<string, string> = {}) =>
  running.client.call<BatchStatus & Problem>('/v1/evaluation/batch', {
    method: 'POST',
    headers,
    body: body as FormData,
  });

test.each([type, 'application/x-parquet'])('a body of the type %s is a batch', async (contentType) => {
  const posted = await post(pairs, { 'content-type': contentType, prefer: 'wait=60' });
  expect(posted.status).toBe(200);
  expect(posted.body).toMatchObject({
    state: 'completed',
    items: { total: 2, succeeded: 2 },
    results: [{ status: 'succeeded' }, { status: 'succeeded' }],
  });
});

test('the file of a form is a batch', async () => {
  const form = new FormData();
  form.append('file', new Blob([Uint8Array.from(pairs)]), 'pairs.parquet');
  const posted = await post(form, { prefer: 'wait=60' });
  expect(posted.body).toMatchObject({ state: 'completed', items: { total: 2, succeeded: 2 } });
});

test('equal bodies with one idempotency key are one batch, others a conflict', async () => {
  const headers = { 'content-type': type, 'idempotency-key': 'parquet' };
  const first = await post(pairs, headers);
  expect((await post(pairs, headers)).body.id).toBe(first.body.id);
  const other = await post(pairsParquet([{ image: pixel, text: 'another' }]), headers);
  expect(other.body.code).toBe('idempotency.mismatch');
});

test('hostile files are refused, the service answers meanwhile, and no temporary file remains', async () => {
  const files = hostileParquet();
  const refused = ['a page of a thousand million values', 'no footer', 'a row group of a million million rows'];
  const answers = Promise.all(refused.map((name) => post(files[name] ?? Buffer.alloc(0), { 'content-type': type })));
  let isPending = true;
  void answers.finally(() => {
    isPending = false;
  });
  let answered = 0;
  while (isPending) {
    expect((await running.client.call('/health/live')).status).toBe(200);
    answered++;
  }
  expect(answered).toBeGreaterThan(0);
  const codes = (await answers).map(({ status, body }) => [status, body.code]);
  for (const each of codes)
    expect([
      [400, 'request.invalid'],
      [413, 'request.too_large'],
    ]).toContainEqual(each);
  expect((await readdir(temporary)).filter((name) => name.endsWith('.spool'))).toEqual([]);
});
