import { expect, test } from 'vitest';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import { createClient } from '../../../testing/client.ts';
import { bearer, createKeyFile } from '../../../testing/key-file.ts';
import { until } from '../../../testing/until.ts';
import { useService } from '../../support/running-service.ts';

const keys = createKeyFile();
const ours = keys.add('ours');
const operator = keys.add('staff', { role: 'operator' });
// Requests are logged at `info` and below this level: audit lines are there all the same.
const running = useService({ API_KEYS_FILE: keys.path, LOG_LEVEL: 'error' });
const as = (key: string) => createClient(running.service.url, bearer(key));
const idOf = (key: string) => key.split('_')[1];

type Line = Record<string, unknown>;
const audits = (): Line[] =>
  running.service
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Line)
    .filter(({ audit }) => audit === true);

/** The lines since the last call, as soon as there are so many. */
let seen = 0;
async function newAudits(count: number): Promise<Line[]> {
  const lines = await until(() => {
    const all = audits();
    expect(all.length - seen).toBeGreaterThanOrEqual(count);
    return all.slice(seen);
  });
  seen += lines.length;
  return lines;
}
const who = (key: string, tenant: string, role: string) => ({
  ...{ audit: true, msg: 'audit', level: 'info', tenant, role, keyId: idOf(key), via: 'key' },
  ...{ address: '127.0.0.1', requestId: expect.any(String) },
});

/** A bad item fails at once, so that there is something to retry. */
const items = [{ image: 'not-an-address', text: 'a cat' }];

test('each change of a batch is one line with its batch and with whose key made it; a look is none', async () => {
  const path = '/v1/evaluation/batch';
  const headers = { 'content-type': 'application/json', 'idempotency-key': 'once' };
  const body = JSON.stringify({ items });
  const posted = await as(ours).call<BatchStatus>(path, { method: 'POST', headers, body });
  expect(posted.status).toBe(202);
  const { id } = posted.body;
  // The same batch again: nothing has changed.
  expect((await as(ours).call<BatchStatus>(path, { method: 'POST', headers, body })).body.id).toBe(id);
  await as(ours).batch.finished(id);
  const child = await as(ours).call<BatchStatus>(`${path}/${id}/retry`, { method: 'POST' });
  await as(operator).call(`${path}/${id}/cancel`, { method: 'POST' });
  await as(ours).call(`${path}/${id}`, { method: 'DELETE' });
  // Refused: nothing has changed.
  expect((await as(ours).call(`${path}/${id}`, { method: 'DELETE' })).status).toBe(404);
  const { tenant: _tenant, ...mine } = { ...who(ours, 'ours', 'tenant') };
  expect(await newAudits(4)).toEqual([
    expect.objectContaining({ ...mine, action: 'batch.posted', batchId: id, tenant: 'ours' }),
    expect.objectContaining({ ...mine, action: 'batch.retried', batchId: id, child: child.body.id, tenant: 'ours' }),
    expect.objectContaining({
      ...who(operator, 'staff', 'operator'),
      ...{ action: 'batch.cancelled', batchId: id, batchTenant: 'ours' },
    }),
    expect.objectContaining({ ...mine, action: 'batch.deleted', batchId: id, tenant: 'ours' }),
  ]);
});

test('sign-in and sign-out are a line each, and a wrong key is none', async () => {
  const session = (method: string, headers: Record<string, string>, body?: string) =>
    fetch(`${running.service.url}/evaluator/session`, {
      method,
      headers: { 'sec-fetch-site': 'same-origin', ...headers },
      ...(body !== undefined && { body }),
    });
  const json = { 'content-type': 'application/json' };
  expect((await session('POST', json, JSON.stringify({ key: `${ours}x` }))).status).toBe(401);
  const answer = await session('POST', json, JSON.stringify({ key: ours }));
  const cookie = (answer.headers.getSetCookie()[0] ?? '').split(';', 1)[0] ?? '';
  expect((await session('DELETE', { cookie })).status).toBe(204);
  expect((await session('DELETE', {})).status).toBe(204);
  expect(await newAudits(2)).toEqual([
    expect.objectContaining({ ...who(ours, 'ours', 'tenant'), action: 'session.started' }),
    expect.objectContaining({ ...who(ours, 'ours', 'tenant'), via: 'session', action: 'session.ended' }),
  ]);
  expect(running.service.output()).not.toContain(ours.slice(17));
});

test('a key that is added to the file, or removed from it, is a line when the service sees it', async () => {
  const added = keys.add('late');
  expect((await as(added).call('/v1/models')).status).toBe(200);
  expect(await newAudits(1)).toEqual([
    expect.objectContaining({ audit: true, action: 'key.added', by: 'key_file', keyId: idOf(added), tenant: 'late' }),
  ]);
  keys.remove(added);
  await until(async () => expect((await as(added).call('/v1/models')).status).toBe(401));
  expect(await newAudits(1)).toEqual([
    expect.objectContaining({ audit: true, action: 'key.removed', by: 'key_file', keyId: idOf(added), tenant: 'late' }),
  ]);
});
