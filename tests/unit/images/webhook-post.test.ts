import { expect, onTestFinished, test } from 'vitest';
import { createNameLookup } from '../../../images/name-lookup.ts';
import { createWebhookPost, type WebhookPost } from '../../../images/webhook-post.ts';
import { startNameServer } from '../../support/name-server.ts';
import { scriptedOrigin } from '../../support/scripted-origin.ts';

function webhooksFor(allow: string[], deny: string[] = [], nameServer = '127.0.0.1:1'): WebhookPost {
  const config = { webhookHostsAllow: allow, webhookHostsDeny: deny };
  const webhooks = createWebhookPost(config, createNameLookup([nameServer]));
  onTestFinished(() => webhooks.close());
  return webhooks;
}

test('a body is posted with its headers, and any 2xx is a success', async () => {
  const bodies: string[] = [];
  const origin = await scriptedOrigin((request, response) => {
    let body = '';
    request.on('data', (part) => (body += part)).on('end', () => bodies.push(body));
    response.writeHead(204).end();
  });
  await webhooksFor([origin.host]).post(`${origin.url}/hook`, '{"type":"x"}', { 'webhook-id': 'batch-1' });
  expect(bodies).toEqual(['{"type":"x"}']);
  expect(origin.requests[0]).toMatchObject({ method: 'POST', url: '/hook', headers: { 'webhook-id': 'batch-1' } });
});

test.each([302, 404, 500])('%i is a failure, and no redirect is followed', async (status) => {
  const origin = await scriptedOrigin((_request, response) => {
    response.writeHead(status, { location: '/elsewhere' }).end();
  });
  await expect(webhooksFor([origin.host]).post(origin.url, '{}', {})).rejects.toThrow(`${status} from ${origin.host}`);
  expect(origin.requests).toHaveLength(1);
});

test('a private address is refused, and the message names the setting of webhooks', async () => {
  await expect(webhooksFor([]).post('http://10.0.0.7/', '{}', {})).rejects.toThrow('WEBHOOK_HOSTS_ALLOW');
});

test('a name that leads to a private address is refused', async () => {
  const server = await startNameServer(() => ['10.0.0.7']);
  await expect(webhooksFor([], [], server.address).post('http://hook.test/', '{}', {})).rejects.toMatchObject({
    code: 'image.fetch.blocked_address',
    message: expect.stringContaining('hook.test leads to 10.0.0.7'),
  });
});

test('a denied host is refused although it is allowed', async () => {
  const origin = await scriptedOrigin((_request, response) => response.end());
  const webhooks = webhooksFor([origin.host], ['127.0.0.0/8']);
  await expect(webhooks.post(origin.url, '{}', {})).rejects.toThrow('WEBHOOK_HOSTS_DENY');
  expect(origin.connections).toHaveLength(0);
});
