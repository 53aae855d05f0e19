import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { type AddressGuard, createAddressGuard } from '../../../images/address-guard.ts';
import { createFetcher, type Fetcher } from '../../../images/fetcher.ts';
import { createNameLookup } from '../../../images/name-lookup.ts';
import { createWebhookPost } from '../../../images/webhook-post.ts';
import { type NameAnswer, startNameServer } from '../../support/name-server.ts';
import { scriptedOrigin } from '../../support/scripted-origin.ts';

/** Each entry has its meaning and a host as written in a URL, or a whole URL with `PORT` for its port. */
const corpus = JSON.parse(readFileSync(new URL('ssrf-corpus.json', import.meta.url), 'utf8')) as {
  hosts: [what: string, host: string][];
  addresses: [what: string, url: string][];
  /** Possible answers of an attacker's name server. */
  answers: string[];
};
const image = 'GIF89a and so on';

/** Every place that the corpus can lead to on this machine; all listen on one port. */
const loopbacks = ['127.0.0.1', '::1', '127.0.0.2', '127.1.2.3', '127.255.255.254'];
const listeners: Server[] = [];
/** Addresses at which connections arrived. */
let arrived: string[] = [];
/** Addresses to which this process tried to connect, with or without a listener. */
let attempted: string[] = [];
let port = 0;
let answerRequest: RequestListener;

beforeAll(async () => {
  for (const address of loopbacks) {
    const server = createServer((request, response) => answerRequest(request, response));
    server.on('connection', () => arrived.push(address));
    server.listen(port, address);
    // Not every machine has IPv6, and not every system more than one address of loopback.
    const isListening = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isListening) continue;
    listeners.push(server);
    port ||= (server.address() as AddressInfo).port;
  }
  subscribe('net.client.socket', watch);
});
afterAll(() => {
  unsubscribe('net.client.socket', watch);
  for (const server of listeners) server.close();
});
beforeEach(() => {
  arrived = [];
  attempted = [];
  answerRequest = (_request, response) => response.end(image);
});
afterEach(() => {
  for (const server of listeners) server.closeAllConnections();
});

function watch(message: unknown): void {
  const { socket } = message as { socket: Socket };
  socket.on('connectionAttempt', (address: string, to: number) => attempted.push(`${address} ${to}`));
}

function fetcherOf(guard: AddressGuard, nameServer = '127.0.0.1:1'): Fetcher {
  const lookup = createNameLookup([nameServer]);
  const fetcher = createFetcher({ guard, maxBytes: 1_000, timeoutMs: 10_000, lookup });
  onTestFinished(() => fetcher.close());
  return fetcher;
}

/** The port of the listeners is one of the web here, so that it protects nothing. */
const strict = (allow: string[] = []) => createAddressGuard(allow, { ports: [port] });

const urls = () => [
  ...corpus.hosts.map(([what, host]) => [what, `http://${host}:${port}/latest/meta-data/`] as const),
  ...corpus.addresses.map(([what, url]) => [what, url.replace('PORT', String(port))] as const),
];

const refusals = new Set(['image.fetch.blocked_address', 'image.source_invalid']);

test('the corpus has 150 addresses and more', () => {
  expect(new Set(urls().map(([, url]) => url)).size).toBeGreaterThan(150);
});

test('a connection would be seen: by those who listen, and by who tries', async () => {
  const fetcher = fetcherOf(strict(['127.0.0.1']));
  expect(Buffer.from(await fetcher.fetch(`http://127.0.0.1:${port}/`)).toString()).toBe(image);
  expect(arrived).toEqual(['127.0.0.1']);
  expect(attempted).toEqual([`127.0.0.1 ${port}`]);
});

test('no address of the corpus reaches a socket', async () => {
  const fetcher = fetcherOf(strict());
  for (const [what, url] of urls()) {
    const code = await fetcher.fetch(url).catch((error) => error.code);
    expect(refusals, `${what}: ${url} is ${code}`).toContain(code);
  }
  expect({ arrived, attempted }).toEqual({ arrived: [], attempted: [] });
});

test('no address of the corpus is reached by a redirect', async () => {
  let location = '';
  const origin = await scriptedOrigin((_request, response) => response.writeHead(302, { location }).end());
  const fetcher = fetcherOf(strict([origin.host]));
  // A header holds no other characters; and `http:path` is a path of the same host when it comes from there.
  const reachable = urls().filter(
    ([, url]) => /^[\x20-\x7e]*$/.test(url) && URL.parse(url, origin.url)?.host !== origin.host,
  );
  for (const [what, url] of reachable) {
    location = url;
    const code = await fetcher.fetch(origin.url).catch((error) => error.code);
    expect(refusals, `${what}: ${url} is ${code}`).toContain(code);
  }
  expect(reachable.length).toBeGreaterThan(150);
  expect(origin.requests).toHaveLength(reachable.length);
  expect(arrived).toEqual([]);
  expect(new Set(attempted)).toEqual(new Set([origin.host.replace(':', ' ')]));
});

test('no address of the corpus is called by a webhook', async () => {
  const webhooks = createWebhookPost({ webhookHostsAllow: [], webhookHostsDeny: [] });
  onTestFinished(() => webhooks.close());
  // Port 80, as webhooks have no other: whether anything listens there, an attempt would be seen.
  for (const [, host] of corpus.hosts) {
    await expect(webhooks.post(`http://${host}/`, '{}', {}), host).rejects.toThrow();
  }
  expect(attempted).toEqual([]);
});

describe('a name', () => {
  /** Answers `<n>.attacker.test` with the n-th answer of the corpus. */
  const answerOf = (name: string): NameAnswer => {
    const answer = corpus.answers[Number.parseInt(name, 10)];
    return answer === undefined ? 'unknown' : [answer];
  };

  test('that leads to any address of the corpus reaches no socket', async () => {
    const server = await startNameServer(answerOf);
    const fetcher = fetcherOf(strict(), server.address);
    for (const [at, answer] of corpus.answers.entries()) {
      await expect(fetcher.fetch(`http://${at}.attacker.test:${port}/`), answer).rejects.toMatchObject({
        code: 'image.fetch.blocked_address',
      });
    }
    expect(server.asked).toHaveLength(2 * corpus.answers.length);
    expect({ arrived, attempted }).toEqual({ arrived: [], attempted: [] });
  });

  test('that a redirect leads to reaches no socket either', async () => {
    const server = await startNameServer(answerOf);
    let at = 0;
    const origin = await scriptedOrigin((_request, response) => {
      response.writeHead(302, { location: `//${at}.attacker.test:${port}/` }).end();
    });
    const fetcher = fetcherOf(strict([origin.host]), server.address);
    for (; at < corpus.answers.length; at++) {
      await expect(fetcher.fetch(origin.url)).rejects.toMatchObject({ code: 'image.fetch.blocked_address' });
    }
    expect(arrived).toEqual([]);
  });

  test('that leads to a public and to a private address reaches neither', async () => {
    const server = await startNameServer(() => ['93.184.216.34', '::1']);
    await expect(fetcherOf(strict(), server.address).fetch(`http://both.test:${port}/`)).rejects.toMatchObject({
      code: 'image.fetch.blocked_address',
      message:
        'both.test does not resolve to a public address; an operator can allow it by adding both.test to IMAGE_HOSTS_ALLOW',
    });
    expect({ arrived, attempted }).toEqual({ arrived: [], attempted: [] });
  });

  test('that does not exist reaches no socket', async () => {
    const server = await startNameServer(() => 'unknown');
    await expect(fetcherOf(strict(), server.address).fetch(`http://no.test:${port}/`)).rejects.toMatchObject({
      code: 'image.fetch.unknown_host',
    });
    expect(attempted).toEqual([]);
  });
});

describe.skipIf(process.platform !== 'linux')(
  'a name that leads to a public address first and to loopback then',
  () => {
    /** Takes the place of a public address: nothing here may go out to a real one. */
    const standIn = '127.0.0.2';
    const rebinding = async () => {
      const server = await startNameServer((_name, round) => [round === 0 ? standIn : '127.0.0.1']);
      const guard = strict();
      const checkAddress: AddressGuard['checkAddress'] = (address, host, to) => {
        if (address !== standIn) guard.checkAddress(address, host, to);
      };
      return { server, fetcher: fetcherOf({ ...guard, checkAddress }, server.address) };
    };
    const url = () => `http://rebind.test:${port}/`;

    test('is connected to where the check has looked, without another question', async () => {
      const { server, fetcher } = await rebinding();
      expect(Buffer.from(await fetcher.fetch(url())).toString()).toBe(image);
      expect(server.asked).toHaveLength(2);
      expect(attempted).toEqual([`${standIn} ${port}`]);
    });

    test('is refused when a redirect makes it be asked again', async () => {
      const { fetcher } = await rebinding();
      answerRequest = (_request, response) => {
        response.writeHead(302, { location: url(), connection: 'close' }).end();
      };
      await expect(fetcher.fetch(url())).rejects.toMatchObject({ code: 'image.fetch.blocked_address' });
      expect(arrived).toEqual([standIn]);
      expect(attempted).toEqual([`${standIn} ${port}`]);
    });

    test('is refused when a broken connection makes it be asked again', async () => {
      const { fetcher } = await rebinding();
      answerRequest = (request) => request.socket.resetAndDestroy();
      await expect(fetcher.fetch(url())).rejects.toMatchObject({ code: 'image.fetch.blocked_address' });
      expect(attempted).toEqual([`${standIn} ${port}`]);
    });

    test('is refused in the next download', async () => {
      const { fetcher } = await rebinding();
      answerRequest = (_request, response) => {
        response.writeHead(200, { connection: 'close' }).end(image);
      };
      await fetcher.fetch(url());
      await expect(fetcher.fetch(url())).rejects.toMatchObject({ code: 'image.fetch.blocked_address' });
      expect(attempted).toEqual([`${standIn} ${port}`]);
    });
  },
);

test('a peer that is not who was asked for is left before anything is said', async () => {
  const guard = strict();
  let checks = 0;
  // The literal passes; what the socket then says of its peer does not.
  const checkAddress: AddressGuard['checkAddress'] = (address, host, to) => {
    if (++checks > 1) guard.checkAddress(address, host, to);
  };
  const fetcher = fetcherOf({ checkUrl: () => {}, checkAddress, isAllowed: () => false });
  let requests = 0;
  answerRequest = () => requests++;
  await expect(fetcher.fetch(`http://127.0.0.1:${port}/`)).rejects.toMatchObject({
    code: 'image.fetch.blocked_address',
  });
  expect({ checks, requests }).toEqual({ checks: 2, requests: 0 });
});
