import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createGuardedFetch } from '../../../images/guarded-fetch.ts';

/** The operator's host, which redirects to `next`, and another host on this machine. */
let own: Server;
let other: Server;
let next: string;
/** The requests that the other host received. */
let asked: string[];

const addressOf = (server: Server) => `127.0.0.1:${(server.address() as AddressInfo).port}`;

beforeAll(async () => {
  own = createServer(({ url }, response) => {
    if (url === '/end') response.end('from the operator');
    else response.writeHead(302, { location: url === '/again' ? next : '/again' }).end();
  }).listen(0, '127.0.0.1');
  other = createServer(({ url = '' }, response) => {
    asked.push(url);
    response.end('from somebody else');
  }).listen(0, '127.0.0.1');
  await Promise.all([once(own, 'listening'), once(other, 'listening')]);
});
afterAll(() => {
  for (const server of [own, other]) {
    server.close();
    server.closeAllConnections();
  }
});
beforeEach(() => {
  asked = [];
});

/** Returns the response after two redirects, the second of which leads to `to`. */
async function followTo(to: string, allow: string[] = []): Promise<string> {
  next = to;
  const answer = await createGuardedFetch(`http://${addressOf(own)}`, { allow })(`http://${addressOf(own)}/`);
  return await answer.text();
}

test('redirects of the operator’s host are followed, to itself and to hosts that are allowed', async () => {
  expect(await followTo('/end')).toBe('from the operator');
  expect(await followTo(`http://${addressOf(other)}/`, [addressOf(other)])).toBe('from somebody else');
});

test('a path may look like a host', async () => {
  const address = `http://${addressOf(own)}`;
  const answer = await createGuardedFetch(address, { allow: [] })(`${address}//10.0.0.1/end`, { redirect: 'manual' });
  expect(answer.status).toBe(302);
});

describe('a redirect is not followed', () => {
  test.each([
    ['to a private address', () => `http://${addressOf(other)}/`],
    ['to a name of this machine', () => `http://localhost:${addressOf(other).split(':')[1]}/`],
    ['to a port of a public host that is not used', () => 'http://192.0.32.7:8443/'],
    ['to a port of a public name that is not used', () => 'http://example.org:6379/'],
    ['to such a port, with a path that looks like another host', () => 'http://192.0.32.7:8443//192.0.32.7/'],
    ['to a link-local address', () => 'http://169.254.169.254/latest/meta-data/'],
  ])('%s', async (_what, to) => {
    const failure = await followTo(to()).catch((error: Error) => error);
    expect((failure as Error).cause).toMatchObject({ code: 'image.fetch.blocked_address' });
    expect(asked).toEqual([]);
  });

  test.each([
    ['to another scheme', 'file:///etc/passwd'],
    ['with a password', 'http://user:pass@192.0.32.7/'],
  ])('%s', async (_what, to) => {
    await expect(followTo(to)).rejects.toThrow('fetch failed');
  });
});
