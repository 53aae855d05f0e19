import { describe, expect, test } from 'vitest';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import type { Session } from '../../../shared/contracts/session.ts';
import { askMasters } from '../../../shared/redis/masters.ts';
import { connectRedis, whenConnected } from '../../../shared/redis.ts';
import { createClient } from '../../../testing/client.ts';
import { readPhoto } from '../../../testing/images/host.ts';
import { bearer, createKeyFile } from '../../../testing/key-file.ts';
import { until } from '../../../testing/until.ts';
import { useService } from '../../support/running-service.ts';
import { silentLog } from '../../support/silent-log.ts';

const keys = createKeyFile();
const tenantKey = keys.add('ours');
const operatorKey = keys.add('staff', { role: 'operator' });
const running = useService({ API_KEYS_FILE: keys.path });

const html = { accept: 'text/html,application/xhtml+xml;q=0.9' };
/** The headers that a browser adds to requests from pages of this service. */
const ownPage = { 'sec-fetch-site': 'same-origin' };

async function post(body: Record<string, string>, headers: Record<string, string> = {}) {
  return await fetch(`${running.service.url}/evaluator/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...ownPage, ...headers },
    body: new URLSearchParams(body),
    redirect: 'manual',
  });
}

/** The Cookie header of a browser that has signed in. */
async function signIn(key: string): Promise<{ cookie: string }> {
  const answer = await post({ key });
  expect(answer.status).toBe(303);
  return { cookie: (answer.headers.getSetCookie()[0] ?? '').split(';', 1)[0] ?? '' };
}
const browser = (cookie: { cookie: string }) => createClient(running.service.url, { ...cookie, ...ownPage });
const coffee = () => ({ image: readPhoto('coffee.jpg').toString('base64'), text: 'a cup of coffee' });

test('signs in to a Redis that is full, where nothing but deleting batches can help', async () => {
  const redis = connectRedis(running.redis.url, 'consumer', silentLog());
  const setLimit = (bytes: number) => askMasters(redis, (master) => master.config('SET', 'maxmemory', bytes));
  await whenConnected(redis, 5_000);
  await setLimit(1);
  try {
    const session = await signIn(operatorKey);
    expect((await browser(session).call<Session>('/session')).body).toMatchObject({ tenant: 'staff' });
  } finally {
    await setLimit(0);
    redis.disconnect();
  }
});

describe('a browser that has not signed in', () => {
  test.each(['/evaluator/', '/evaluator/docs/', '/evaluator/queues/'])('is shown a form at %s', async (path) => {
    const answer = await fetch(running.service.url + path, { headers: html });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('content-type')).toMatch(/^text\/html/);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const page = await answer.text();
    expect(page).toContain(`name="next" value="${path}"`);
    // Nothing of the service itself: that needs the key.
    expect(page).not.toMatch(/<script|src=|<link(?! rel="icon" href="data:,")/);
  });

  test('gets a problem document where a script asks', async () => {
    const { status, body } = await running.client.problem('/v1/models');
    expect([status, body.code]).toEqual([401, 'access.key_missing']);
  });

  test('is shown as such at /session', async () => {
    const { status, body } = await running.client.call<Session>('/session');
    expect(status).toBe(200);
    expect(body).toEqual({ keysRequired: true, authenticated: false, tenant: null, role: null });
  });

  test('is shown the form again, with the reason, after a wrong key', async () => {
    const answer = await post({ key: 'wrong', next: '/evaluator/docs/' }, html);
    expect(answer.status).toBe(401);
    const page = await answer.text();
    expect(page).toContain('This API key is not valid');
    expect(page).toContain('name="next" value="/evaluator/docs/"');
    expect(answer.headers.getSetCookie()).toEqual([]);
  });
});

describe('signing in', () => {
  test('sets a cookie that scripts and other sites cannot use', async () => {
    const answer = await post({ key: tenantKey, next: '/evaluator/docs/' });
    expect(answer.headers.get('location')).toBe('/evaluator/docs/');
    const [cookie = ''] = answer.headers.getSetCookie();
    expect(cookie).toMatch(/^vls_session=[\w-]{43}; /);
    for (const attribute of ['HttpOnly', 'SameSite=Strict', 'Path=/evaluator', 'Max-Age=43200']) {
      expect(cookie).toContain(attribute);
    }
  });

  test.each([
    'https://evil.example/',
    '//evil.example/',
    '/evaluator/..//evil.example/',
    '/evaluator/../../x',
    '/evaluator/\\\\evil.example',
    'javascript:alert(1)',
    '/evaluatorx/',
  ])('does not lead on to %s', async (next) => {
    const answer = await post({ key: tenantKey, next });
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toMatch(/^\/evaluator\//);
    expect(new URL(answer.headers.get('location') ?? '', running.service.url).origin).toBe(running.service.url);
  });

  test('with JSON answers with who one is', async () => {
    const { status, body } = await running.client.post<Session>('/session', { key: operatorKey });
    expect(status).toBe(200);
    expect(body).toEqual({ keysRequired: true, authenticated: true, tenant: 'staff', role: 'operator' });
  });

  test('from a page of another site is refused', async () => {
    const answer = await post({ key: tenantKey }, { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' });
    expect(answer.status).toBe(403);
    expect(answer.headers.getSetCookie()).toEqual([]);
  });
});

describe('a browser that has signed in', () => {
  test('sees the page, the docs and who it is', async () => {
    const client = browser(await signIn(tenantKey));
    for (const path of ['/', '/docs/', '/openapi.json', '/health']) expect((await client.call(path)).status).toBe(200);
    expect((await client.call<Session>('/session')).body).toEqual({
      keysRequired: true,
      authenticated: true,
      tenant: 'ours',
      role: 'tenant',
    });
  });

  test('scores, posts a batch of its tenant, and follows its events with the cookie alone', async () => {
    const cookie = await signIn(tenantKey);
    const client = browser(cookie);
    expect((await client.single(coffee())).status).toBe(200);
    const { body } = await client.batch.post([coffee()]);
    expect(body.tenant).toBe('ours');
    // As an EventSource asks.
    const events = await fetch(`${running.service.url}${body.links.events}`, {
      headers: { ...cookie, accept: 'text/event-stream' },
    });
    expect(events.status).toBe(200);
    expect(await events.text()).toContain('event: end');
    // As an <img> asks.
    const image = await fetch(`${running.service.url}${body.links.self}/images/0`, { headers: cookie });
    expect([image.status, image.headers.get('content-type')]).toEqual([200, 'image/jpeg']);
    const foreign = await fetch(`${running.service.url}${body.links.events}`, { headers: await signIn(keys.add('x')) });
    expect(foreign.status).toBe(404);
  });

  test('gets to Bull Board as an operator, and is asked for another key as a tenant', async () => {
    const asOperator = browser(await signIn(operatorKey));
    expect((await asOperator.call('/queues/')).status).toBe(200);
    expect((await asOperator.call('/queues/api/queues')).status).toBe(200);
    const asTenant = await fetch(`${running.service.url}/evaluator/queues/`, {
      headers: { ...(await signIn(tenantKey)), ...html },
    });
    expect(asTenant.status).toBe(403);
    expect(await asTenant.text()).toContain('Only operators may do this');
  });

  test.each([
    ['a page of another site', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }],
    ['another port of the same machine', { 'sec-fetch-site': 'same-site', origin: 'http://127.0.0.1:3000' }],
    ['a page without an origin', { origin: 'null' }],
    ['a browser that tells neither', {}],
  ])('changes nothing when %s sends its cookie', async (_who, headers) => {
    const cookie = await signIn(tenantKey);
    const { body } = await browser(cookie).batch.post<BatchStatus>([coffee()]);
    const answer = await fetch(`${running.service.url}${body.links.self}`, {
      method: 'DELETE',
      headers: { ...cookie, ...(headers as Record<string, string>) },
    });
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ code: 'request.foreign_origin' });
    expect((await browser(cookie).batch.status(body.id)).status).toBe(200);
  });

  test('differs from one whose browser only names its own origin', async () => {
    const cookie = await signIn(tenantKey);
    const client = createClient(running.service.url, { ...cookie, origin: running.service.url });
    expect((await client.single(coffee())).status).toBe(200);
  });

  test('is signed out, in Redis too', async () => {
    const cookie = await signIn(tenantKey);
    const answer = await fetch(`${running.service.url}/evaluator/session`, {
      method: 'DELETE',
      headers: { ...cookie, ...ownPage },
    });
    expect(answer.status).toBe(204);
    expect(answer.headers.getSetCookie()[0]).toContain('Max-Age=0');
    expect((await browser(cookie).call('/v1/models')).status).toBe(401);
  });

  test('is signed out when its key is removed', async () => {
    const key = keys.add('passing');
    const cookie = await signIn(key);
    expect((await browser(cookie).call('/v1/models')).status).toBe(200);
    keys.remove(key);
    await until(async () => (await browser(cookie).call('/v1/models')).status === 401);
  });
});

test('a cookie that was made up opens nothing, and a key goes before a cookie', async () => {
  const made = { cookie: `vls_session=${'A'.repeat(43)}` };
  expect((await browser(made).call('/v1/models')).status).toBe(401);
  const both = createClient(running.service.url, { ...made, ...bearer(tenantKey) });
  expect((await both.call('/v1/models')).status).toBe(200);
});
