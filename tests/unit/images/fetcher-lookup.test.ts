import { lookup } from 'node:dns';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { createAddressGuard } from '../../../images/address-guard.ts';
import { createFetcher, type Fetcher } from '../../../images/fetcher.ts';
import { scriptedOrigin } from '../../support/scripted-origin.ts';

vi.mock('node:dns', { spy: true });
afterEach(() => vi.mocked(lookup).mockReset());

type Answer = { address: string; family: number }[] | { code: string };

/** Lets every name resolve to this. */
function resolving(answer: Answer): void {
  const fake = (_host: string, _options: unknown, done: (error: Error | null, addresses: unknown) => void) => {
    if ('code' in answer) done(Object.assign(new Error(answer.code), answer), undefined);
    else done(null, answer);
  };
  vi.mocked(lookup).mockImplementation(fake as unknown as typeof lookup);
}

function fetcherFor(...allowed: string[]): Fetcher {
  const fetcher = createFetcher({ guard: createAddressGuard(allowed), maxBytes: 1_000, timeoutMs: 30_000 });
  onTestFinished(() => fetcher.close());
  return fetcher;
}

const v4 = (address: string) => ({ address, family: 4 });
const v6 = (address: string) => ({ address, family: 6 });

test.each(['ENOTFOUND', 'EAI_AGAIN', 'ENODATA'])(
  'a lookup that fails with %s is image.fetch.dns, once',
  async (code) => {
    resolving({ code });
    await expect(fetcherFor().fetch('http://images.test/cat.jpg')).rejects.toMatchObject({
      code: 'image.fetch.dns',
      message: expect.stringContaining('images.test'),
    });
    expect(lookup).toHaveBeenCalledTimes(1);
  },
);

test.each([
  ['loopback', [v4('127.0.0.1')]],
  ['a private address', [v4('10.0.0.7')]],
  ['the metadata of a cloud', [v4('169.254.169.254')]],
  ['IPv6 loopback', [v6('::1')]],
  ['IPv4-mapped loopback', [v6('::ffff:127.0.0.1')]],
  ['a public address and then a private one', [v4('8.8.8.8'), v4('10.0.0.7')]],
  ['a private address and then a public one', [v6('fd00::1'), v4('8.8.8.8')]],
])('a name that resolves to %s is blocked', async (_what, addresses) => {
  resolving(addresses);
  await expect(fetcherFor().fetch('http://images.test/cat.jpg')).rejects.toMatchObject({
    code: 'image.fetch.blocked_address',
    message: expect.stringContaining('images.test leads to'),
  });
  expect(lookup).toHaveBeenCalledTimes(1);
});

test('a name that is allowed may resolve to loopback', async () => {
  const origin = await scriptedOrigin((_request, response) => response.end('image'));
  resolving([v4('127.0.0.1')]);
  const host = origin.host.replace('127.0.0.1', 'images.test');
  expect(Buffer.from(await fetcherFor(host).fetch(`http://${host}/cat.jpg`)).toString()).toBe('image');
  expect(origin.requests[0]?.headers.host).toBe(host);
});

test('a name that is allowed on another port stays blocked', async () => {
  resolving([v4('127.0.0.1')]);
  await expect(fetcherFor('images.test:9000').fetch('http://images.test/cat.jpg')).rejects.toMatchObject({
    code: 'image.fetch.blocked_address',
  });
});

test('a redirect to a name that resolves to loopback is blocked', async () => {
  const origin = await scriptedOrigin((_request, response) => {
    response.writeHead(302, { location: 'http://rebound.test/' }).end();
  });
  resolving([v4('127.0.0.1')]);
  await expect(fetcherFor(origin.host).fetch(origin.url)).rejects.toMatchObject({
    code: 'image.fetch.blocked_address',
    message: expect.stringContaining('rebound.test'),
  });
});
