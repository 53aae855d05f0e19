import { type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { json, text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import type { Problem } from '../../../shared/contracts/problem.ts';
import { useService } from '../../support/running-service.ts';

const running = useService({
  ALLOWED_HOSTS: 'vls.example, proxied.example:8443',
  CORS_ORIGINS: 'https://app.example',
});

interface Asked {
  method?: string;
  path?: string;
  headers: Record<string, string>;
  body?: string;
}

/** As a browser would whose Host is chosen by the test, which `fetch` forbids. */
async function ask({ method = 'GET', path = '/v1/models', headers, body = '' }: Asked) {
  const { hostname, port } = new URL(running.service.url);
  return await new Promise<{ status: number; headers: IncomingHttpHeaders; body: unknown }>((resolve, reject) => {
    const sent = request({ hostname, port, method, path: `/evaluator${path}`, headers }, async (response) => {
      const isJson = /json/.test(response.headers['content-type'] ?? '');
      const answer = await (isJson ? json(response) : text(response));
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: answer });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const port = () => new URL(running.service.url).port;

describe('Host', () => {
  test.each([
    ['a loopback address', () => `127.0.0.1:${port()}`],
    ['localhost', () => `localhost:${port()}`],
    ['localhost in capitals', () => `LOCALHOST:${port()}`],
    ['localhost behind a forwarded port', () => 'localhost:80'],
    ['the loopback address of IPv6', () => `[::1]:${port()}`],
    ['a configured name', () => 'vls.example'],
    ['a configured name with a port', () => 'vls.example:8000'],
    ['a configured name with its port', () => 'proxied.example:8443'],
  ])('%s is answered', async (_what, host) => {
    expect((await ask({ headers: { host: host() } })).status).toBe(200);
  });

  test.each([
    'evil.example',
    'evil.example:8000',
    'vls.example.evil.example',
    'proxied.example',
    'proxied.example:80',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '169.254.169.254',
    '0.0.0.0',
    'a b',
    'localhost@evil.example',
  ])('%s is refused, whatever is asked', async (host) => {
    for (const asked of [{}, { method: 'POST', path: '/v1/evaluation/single' }, { path: '/' }, { path: '/queues/' }]) {
      const answer = await ask({ ...asked, headers: { host } });
      expect([answer.status, (answer.body as Problem).code]).toEqual([421, 'request.unknown_host']);
    }
  });

  test.each([
    ['twice', 'vls.example', 'vls.example'],
    ['of another first', 'evil.example', 'vls.example'],
    ['of another behind it', 'vls.example', 'evil.example'],
  ])('that is named %s is refused, of probes too', async (_what, ...names) => {
    for (const path of ['/v1/models', '/health/live']) {
      const head = [`GET /evaluator${path} HTTP/1.1`, ...names.map((name) => `hOsT: ${name}`), 'Connection: close'];
      const socket = connect(Number(port()), '127.0.0.1');
      socket.write(`${head.join('\r\n')}\r\n\r\n`);
      const answer = await text(socket);
      expect(answer).toMatch(/^HTTP\/1.1 400 /);
      expect(answer).toContain('"code":"request.invalid"');
    }
  });

  test('does not matter to the probes of an orchestrator, which know an address alone', async () => {
    for (const path of ['/health/live', '/health/ready']) {
      expect((await ask({ path, headers: { host: '10.1.2.3:8000' } })).status).toBe(200);
    }
  });
});

describe('a page of another origin', () => {
  const post = (headers: Record<string, string>) =>
    ask({
      method: 'POST',
      path: '/v1/evaluation/batch',
      // A request that a form can send without a preflight.
      headers: { 'content-type': 'text/plain', ...headers },
      body: '{"items":[{}]}',
    });

  test.each<[string, Record<string, string>]>([
    ['of another site', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }],
    ['of another port', { 'sec-fetch-site': 'same-site', origin: 'http://localhost:3000' }],
    ['in a browser that does not send Sec-Fetch-Site', { origin: 'http://evil.example' }],
    ['of this host under another port there', { origin: 'http://127.0.0.1:1' }],
    ['in a sandbox', { origin: 'null' }],
    ['that hides its origin', { 'sec-fetch-site': 'cross-site' }],
    ['that names no address', { origin: 'nonsense' }],
  ])('%s may not post', async (_what, headers) => {
    const answer = await post(headers);
    expect([answer.status, (answer.body as Problem).code]).toEqual([403, 'request.foreign_origin']);
  });

  test.each<[string, () => Record<string, string>]>([
    ['the service’s own page', () => ({ 'sec-fetch-site': 'same-origin', origin: running.service.url })],
    ['its own page in a browser without Sec-Fetch-Site', () => ({ origin: running.service.url })],
    ['a configured origin', () => ({ 'sec-fetch-site': 'cross-site', origin: 'https://app.example' })],
    ['no browser', () => ({})],
  ])('%s may post', async (_what, headers) => {
    // The type of its content is what is wrong then.
    expect((await post(headers())).status).toBe(415);
  });

  test('gets no CORS headers, unless it is configured; credentials are never allowed', async () => {
    const foreign = await ask({ headers: { origin: 'https://evil.example' } });
    expect(foreign.headers['access-control-allow-origin']).toBeUndefined();
    const configured = await ask({ headers: { origin: 'https://app.example' } });
    expect(configured.headers['access-control-allow-origin']).toBe('https://app.example');
    expect(configured.headers['access-control-allow-credentials']).toBeUndefined();
    const preflight = await ask({
      method: 'OPTIONS',
      path: '/v1/evaluation/single',
      headers: { origin: 'https://app.example', 'access-control-request-method': 'POST' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers['access-control-allow-headers']).toContain('X-API-Key');
    const refused = await ask({
      method: 'OPTIONS',
      path: '/v1/evaluation/single',
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
    });
    expect(refused.headers['access-control-allow-origin']).toBeUndefined();
  });
});
