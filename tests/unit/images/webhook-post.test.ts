import { expect, onTestFinished, test } from 'vitest';
import { createNameLookup } from '../../../images/name-lookup.ts';
import { createWebhookCheck, createWebhookPost, type WebhookPost } from '../../../images/webhook-post.ts';
import { startNameServer } from '../../support/name-server.ts';
import { scriptedOrigin } from '../../support/scripted-origin.ts';

function webhooksFor(allow: string[], deny: string[] = [], nameServer = '127.0.0.1:1'): WebhookPost {
  const config = { webhookHostsAllow: allow, webhookHostsDeny: deny };
  const webhooks = createWebhookPost(config, createNameLookup([nameServer]));
  onTestFinished(() => webhooks.close());
  return webhooks;
}

test('a body is posted with its headers and the user agent, and the status is returned', async () => {
  const bodies: string[] = [];
  const origin = await scriptedOrigin((request, response) => {
    let body = '';
    request.on('data', (part) => (body += part)).on('end', () => bodies.push(body));
    response.writeHead(204).end();
  });
  const answer = await webhooksFor([origin.host]).post(`${origin.url}/hook`, '{"type":"x"}', {
    'webhook-id': 'batch-1',
  });
  expect(answer).toEqual({ status: 204 });
  expect(bodies).toEqual(['{"type":"x"}']);
  expect(origin.requests[0]).toMatchObject({
    method: 'POST',
    url: '/hook',
    headers: { 'webhook-id': 'batch-1', 'user-agent': expect.stringMatching(/^vision-language-similarity\/\d/) },
  });
});

test.each([302, 404, 500])('%i is returned, and no redirect is followed', async (status) => {
  const origin = await scriptedOrigin((_request, response) => {
    response.writeHead(status, { location: '/elsewhere' }).end();
  });
  expect(await webhooksFor([origin.host]).post(origin.url, '{}', {})).toEqual({ status });
  expect(origin.requests).toHaveLength(1);
});

test('Retry-After of a receiver is returned', async () => {
  const origin = await scriptedOrigin((_request, response) => {
    response.writeHead(503, { 'retry-after': '7' }).end();
  });
  expect(await webhooksFor([origin.host]).post(origin.url, '{}', {})).toEqual({ status: 503, retryAfterMs: 7_000 });
});

test('a URL that is certain to be refused is refused before any lookup', () => {
  const check = createWebhookCheck({ webhookHostsAllow: ['hook.test:8080'], webhookHostsDeny: ['denied.example.org'] });
  for (const address of [
    'http://10.0.0.7/',
    'http://169.254.169.254/',
    'http://localhost/',
    'http://hook.example.org:6379/',
  ])
    expect(() => check(address)).toThrow('WEBHOOK_HOSTS_ALLOW');
  expect(() => check('https://denied.example.org/')).toThrow('WEBHOOK_HOSTS_DENY');
  for (const address of ['https://hook.example.org/', 'http://hook.test:8080/x'])
    expect(() => check(address)).not.toThrow();
});

test('a private address is refused, and the message names the setting of webhooks', async () => {
  await expect(webhooksFor([]).post('http://10.0.0.7/', '{}', {})).rejects.toThrow('WEBHOOK_HOSTS_ALLOW');
});

test('a name that resolves to a private address is refused', async () => {
  const server = await startNameServer(() => ['10.0.0.7']);
  await expect(webhooksFor([], [], server.address).post('http://hook.test/', '{}', {})).rejects.toMatchObject({
    code: 'image.fetch.blocked_address',
    message: expect.stringContaining('hook.test does not resolve to a public address'),
  });
});

test('a denied host is refused although it is allowed', async () => {
  const origin = await scriptedOrigin((_request, response) => response.end());
  const webhooks = webhooksFor([origin.host], ['127.0.0.0/8']);
  await expect(webhooks.post(origin.url, '{}', {})).rejects.toThrow('WEBHOOK_HOSTS_DENY');
  expect(origin.connections).toHaveLength(0);
});
