import { lookup as systemLookup } from 'node:dns/promises';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { createAddressGuard } from '../../../images/address-guard.ts';
import { createFetcher, type Fetcher } from '../../../images/fetcher.ts';
import { createNameLookup } from '../../../images/name-lookup.ts';
import type { Code } from '../../../shared/errors.ts';
import { type NameAnswer, startNameServer } from '../../support/name-server.ts';
import { scriptedOrigin } from '../../support/scripted-origin.ts';

vi.mock('node:dns/promises', { spy: true });
afterEach(() => vi.mocked(systemLookup).mockReset());

const image = 'GIF89a and so on';

/** Creates a fetcher whose names all resolve to this address; `asked` lists the names that its server resolved. */
async function fetching(answer: NameAnswer, allowed: string[] = []): Promise<{ fetcher: Fetcher; asked: string[] }> {
  const server = await startNameServer(() => answer);
  const lookup = createNameLookup([server.address]);
  const fetcher = createFetcher({ guard: createAddressGuard(allowed), maxBytes: 1_000, timeoutMs: 30_000, lookup });
  onTestFinished(() => fetcher.close());
  return { fetcher, asked: server.asked };
}

/** Makes the system's own lookup answer with this. */
function systemKnows(address: string): void {
  vi.mocked(systemLookup).mockImplementation((async () => [{ address, family: 4 }]) as unknown as typeof systemLookup);
}

test.each<[string, Code, NameAnswer, string, number]>([
  ['that does not exist', 'image.fetch.unknown_host', 'unknown', 'does not exist', 2],
  ['without an address', 'image.fetch.unknown_host', [], 'has no address', 2],
  ['whose name servers fail', 'image.fetch.dns', 'failing', 'did not answer', 4],
])('a name %s is %s, and only the resolver tries again', async (_what, code, answer, message, questions) => {
  const { fetcher, asked } = await fetching(answer);
  await expect(fetcher.fetch('http://images.test/cat.jpg')).rejects.toMatchObject({
    code,
    message: expect.stringMatching(new RegExp(`images\\.test.*${message}`)),
  });
  expect(asked.length).toBeLessThanOrEqual(questions);
});

test('a name server that is silent is image.fetch.timeout at the deadline', async () => {
  const server = await startNameServer(() => 'silence');
  const lookup = createNameLookup([server.address]);
  const fetcher = createFetcher({ guard: createAddressGuard([]), maxBytes: 1_000, timeoutMs: 300, lookup });
  onTestFinished(() => fetcher.close());
  await expect(fetcher.fetch('http://images.test/cat.jpg')).rejects.toMatchObject({ code: 'image.fetch.timeout' });
});

test.each([
  ['loopback', ['127.0.0.1']],
  ['a private address', ['10.0.0.7']],
  ['the metadata of a cloud', ['169.254.169.254']],
  ['IPv6 loopback', ['::1']],
  ['IPv4-mapped loopback', ['::ffff:127.0.0.1']],
  ['a public address and then a private one', ['8.8.8.8', '10.0.0.7']],
  ['a private address and then a public one', ['fd00::1', '8.8.8.8']],
])('a name that resolves to %s is blocked', async (_what, addresses) => {
  const { fetcher, asked } = await fetching(addresses);
  await expect(fetcher.fetch('http://images.test/cat.jpg')).rejects.toMatchObject({
    code: 'image.fetch.blocked_address',
    message: expect.stringContaining('images.test does not resolve to a public address'),
  });
  expect(asked).toEqual(['images.test', 'images.test']);
});

test('an allowed name is resolved by the system, and may resolve to loopback', async () => {
  const origin = await scriptedOrigin((_request, response) => response.end(image));
  systemKnows('127.0.0.1');
  const host = origin.host.replace('127.0.0.1', 'images.test');
  const { fetcher, asked } = await fetching('unknown', [host]);
  expect(Buffer.from(await fetcher.fetch(`http://${host}/cat.jpg`)).toString()).toBe(image);
  expect(origin.requests[0]?.headers.host).toBe(host);
  expect(asked).toEqual([]);
});

test("a name that is not allowed never reaches the system's lookup, which blocks a thread", async () => {
  const { fetcher } = await fetching('unknown');
  await expect(fetcher.fetch('http://images.test/')).rejects.toMatchObject({ code: 'image.fetch.unknown_host' });
  expect(systemLookup).not.toHaveBeenCalled();
});

test('a name that is allowed on another port stays blocked', async () => {
  const { fetcher } = await fetching(['127.0.0.1'], ['images.test:9000']);
  await expect(fetcher.fetch('http://images.test/cat.jpg')).rejects.toMatchObject({
    code: 'image.fetch.blocked_address',
  });
});

test('downloads from one host that start together resolve its name once', async () => {
  const { fetcher, asked } = await fetching(['10.0.0.7']);
  await Promise.allSettled(Array.from({ length: 10 }, (_, n) => fetcher.fetch(`http://images.test/${n}`)));
  expect(asked).toEqual(['images.test', 'images.test']);
});

test('a redirect to a name that resolves to loopback is blocked', async () => {
  const origin = await scriptedOrigin((_request, response) => {
    response.writeHead(302, { location: 'http://rebound.test/' }).end();
  });
  const { fetcher } = await fetching(['127.0.0.1'], [origin.host]);
  await expect(fetcher.fetch(origin.url)).rejects.toMatchObject({
    code: 'image.fetch.blocked_address',
    message: expect.stringContaining('rebound.test'),
  });
});
