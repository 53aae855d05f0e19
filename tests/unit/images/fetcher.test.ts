import { readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { networkInterfaces } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type AddressGuard, createAddressGuard } from '../../../images/address-guard.ts';
import { createFetcher, type Fetcher, type FetcherOptions } from '../../../images/fetcher.ts';
import { type ScriptedOrigin, scriptedOrigin } from '../../support/scripted-origin.ts';

// A pause between attempts is recorded and skipped.
vi.mock('node:timers/promises', { spy: true });
beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
  vi.mocked(pause).mockImplementation(async (_ms, value) => value as never);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.mocked(pause).mockReset();
});
const pauses = () => vi.mocked(pause).mock.calls.map(([ms]) => ms);

const goldenImages = new URL('../../golden/clip/images/', import.meta.url);
const examples = ['coffee.jpg', 'coffee-rgba.png', 'coffee.gif', 'coffee.webp'];

const maxBytes = 1_000;
/** Begins like an image, which is all that the fetcher checks. */
const image = 'GIF89a and so on';

function fetcherOf(guard: AddressGuard, options: Partial<FetcherOptions> = {}): Fetcher {
  const fetcher = createFetcher({ guard, maxBytes, timeoutMs: 30_000, ...options });
  onTestFinished(() => fetcher.close());
  return fetcher;
}

/** Starts an origin that answers by script, and a fetcher that may use it. */
async function fetching(
  handler: RequestListener,
  options: Partial<FetcherOptions> = {},
): Promise<{ origin: ScriptedOrigin; fetcher: Fetcher }> {
  const origin = await scriptedOrigin(handler);
  return { origin, fetcher: fetcherOf(createAddressGuard([origin.host]), options) };
}

/** Answers each request with the next status, and further ones with the last. */
const statuses =
  (...list: number[]): RequestListener =>
  (_request, response) => {
    const status = list.length > 1 ? list.shift() : list[0];
    response.writeHead(status ?? 200).end(image);
  };

describe('a download', () => {
  test('returns the bytes of the body', async () => {
    const { origin, fetcher } = await fetching((_request, response) => response.end(image));
    expect(Buffer.from(await fetcher.fetch(`${origin.url}/cat.jpg`)).toString()).toBe(image);
  });

  test('returns a body that arrives in parts as one piece', async () => {
    const { origin, fetcher } = await fetching((_request, response) => {
      response.write('GIF');
      response.write('89a and');
      response.end(' so on');
    });
    expect(Buffer.from(await fetcher.fetch(origin.url)).toString()).toBe(image);
  });

  test('requests an image without compression', async () => {
    const { origin, fetcher } = await fetching(statuses(200));
    await fetcher.fetch(`${origin.url}/a%20cat.jpg?size=large`);
    expect(origin.requests[0]).toMatchObject({
      method: 'GET',
      url: '/a%20cat.jpg?size=large',
      headers: { accept: expect.stringContaining('image/*'), 'accept-encoding': 'identity' },
    });
  });

  test.each(['', 'cat.jpg', 'http://', 'http://[', 'http://a b/'])('of %j is refused: not a URL', async (address) => {
    const fetcher = fetcherOf(createAddressGuard([]));
    await expect(fetcher.fetch(address)).rejects.toMatchObject({ code: 'image.source_invalid' });
  });

  test('sends no more requests to a host at a time than allowed', async () => {
    let open = 0;
    let most = 0;
    const { origin, fetcher } = await fetching(
      (_request, response) => {
        most = Math.max(most, ++open);
        setImmediate(() => {
          open--;
          response.end(image);
        });
      },
      { connectionsPerHost: 2 },
    );
    await Promise.all(Array.from({ length: 8 }, () => fetcher.fetch(origin.url)));
    expect(origin.requests).toHaveLength(8);
    expect(most).toBe(2);
  });
});

describe('a status', () => {
  test.each([204, 206, 400, 401, 403, 404, 410, 451, 501])(
    '%i is final: image.fetch.http_status after one request',
    async (status) => {
      const { origin, fetcher } = await fetching(statuses(status));
      await expect(fetcher.fetch(origin.url)).rejects.toMatchObject({
        code: 'image.fetch.http_status',
        message: expect.stringContaining(`${status} from ${origin.host}`),
      });
      expect(origin.requests).toHaveLength(1);
    },
  );

  test.each([408, 425, 429, 500, 502, 503, 504, 520, 524])(
    '%i means later: it is asked three times, then image.fetch.unavailable',
    async (status) => {
      const { origin, fetcher } = await fetching(statuses(status));
      await expect(fetcher.fetch(origin.url)).rejects.toMatchObject({
        code: 'image.fetch.unavailable',
        message: `${status} from ${origin.host}`,
      });
      expect(origin.requests).toHaveLength(3);
    },
  );

  test('503 twice and then 200 is a success', async () => {
    const { origin, fetcher } = await fetching(statuses(503, 503, 200));
    expect(Buffer.from(await fetcher.fetch(origin.url)).toString()).toBe(image);
    expect(origin.requests).toHaveLength(3);
  });

  test('404 after 503 is final', async () => {
    const { origin, fetcher } = await fetching(statuses(503, 404));
    await expect(fetcher.fetch(origin.url)).rejects.toMatchObject({ code: 'image.fetch.http_status' });
    expect(origin.requests).toHaveLength(2);
  });

  test('a 404 counts even when its body never ends', async () => {
    const { origin, fetcher } = await fetching(
      (_request, response) => {
        response.writeHead(404);
        response.write('not');
      },
      { timeoutMs: 1_000 },
    );
    await expect(fetcher.fetch(origin.url)).rejects.toMatchObject({ code: 'image.fetch.http_status' });
  });
});

describe('between two attempts', () => {
  test('without Retry-After, the pauses are 0.2 s and 0.4 s on average', async () => {
    const { origin, fetcher } = await fetching(statuses(503));
    await expect(fetcher.fetch(origin.url)).rejects.toMatchObject({ retryAfter: undefined });
    expect(pauses()).toEqual([200, 400]);
  });

  /** Answers 429 with this header once, then with the image. */
  const laterThen = (retryAfter: string): RequestListener => {
    let refused = false;
    return (_request, response) => {
      if (refused) return void response.end(image);
      refused = true;
      response.writeHead(429, { 'retry-after': retryAfter }).end();
    };
  };

  test.each([
    ['in seconds', () => '1'],
    ['as a date', () => new Date(Date.now() + 2_000).toUTCString()],
  ])('a host with a Retry-After %s gets no request before it is over', async (_how, header) => {
    const { origin, fetcher } = await fetching(laterThen(header()));
    expect(Buffer.from(await fetcher.fetch(origin.url)).toString()).toBe(image);
    // A date has no fractions of a second; the fetcher adds at most a quarter of a second.
    expect(pauses()).toEqual([expect.toSatisfy((ms: number) => ms > 900 && ms < 2_400)]);
    expect(origin.requests).toHaveLength(2);
  });

  test('a pause that ends after the deadline fails at once, with the pause of the host', async () => {
    const { origin, fetcher } = await fetching(laterThen('3600'));
    await expect(fetcher.fetch(origin.url)).rejects.toMatchObject({
      code: 'image.fetch.unavailable',
      message: `429 from ${origin.host}`,
      retryAfter: 3_600,
    });
    expect(origin.requests).toHaveLength(1);
  });

  test('one address that is refused for an hour does not delay others of its host', async () => {
    const { origin, fetcher } = await fetching((request, response) => {
      if (request.url !== '/503never') return void response.end(image);
      response.writeHead(503, { 'retry-after': '3600' }).end();
    });
    const paths = Array.from({ length: 300 }, (_, at) => (at === 20 ? '/503never' : `/ok?n=${at}`));
    const outcomes = await Promise.allSettled(paths.map((path) => fetcher.fetch(origin.url + path)));
    const failed = outcomes.flatMap(({ status }, at) => (status === 'rejected' ? [paths[at]] : []));
    expect(failed).toEqual(['/503never']);
    expect(origin.requests).toHaveLength(300);
  });

  test('one 429 does not fail images that were not requested yet', async () => {
    let refused = false;
    const { origin, fetcher } = await fetching(
      (_request, response) => {
        if (refused) return void response.end(image);
        refused = true;
        response.writeHead(429, { 'retry-after': '10' }).end();
      },
      { connectionsPerHost: 1 },
    );
    const images = Array.from({ length: 17 }, (_, at) => fetcher.fetch(`${origin.url}/${at}`));
    expect((await Promise.allSettled(images)).filter(({ status }) => status === 'rejected')).toEqual([]);
  });

  test('the wait for a turn is not part of the deadline', async () => {
    const first = Promise.withResolvers<void>();
    const { origin, fetcher } = await fetching(
      (request, response) => {
        if (request.url === '/slow') void first.promise.then(() => response.end(image));
        else response.end(image);
      },
      { connectionsPerHost: 1, timeoutMs: 400 },
    );
    const slow = fetcher.fetch(`${origin.url}/slow`);
    await expect.poll(() => origin.requests.length).toBe(1);
    // It cannot time out before its request: it is requested after the slow one, and arrives.
    const waiting = fetcher.fetch(`${origin.url}/waits`);
    await expect(slow).rejects.toMatchObject({ code: 'image.fetch.timeout' });
    expect(Buffer.from(await waiting).toString()).toBe(image);
    first.resolve();
  });

  test('a host that always sends Retry-After gets six requests', async () => {
    const { origin, fetcher } = await fetching((_request, response) => {
      response.writeHead(503, { 'retry-after': '0' }).end();
    });
    await expect(fetcher.fetch(origin.url)).rejects.toMatchObject({ code: 'image.fetch.unavailable', retryAfter: 0 });
    expect(origin.requests).toHaveLength(6);
  });

  test("the caller's abort ends the pause", async () => {
    const abort = new AbortController();
    const { setTimeout: realPause } = await vi.importActual<typeof import('node:timers/promises')>('timers/promises');
    vi.mocked(pause).mockImplementation((_ms, value, options) => {
      queueMicrotask(() => abort.abort(new Error('the caller left')));
      return realPause(600_000, value as never, options);
    });
    const { origin, fetcher } = await fetching(statuses(503));
    await expect(fetcher.fetch(origin.url, { signal: abort.signal })).rejects.toThrow('the caller left');
    expect(origin.requests).toHaveLength(1);
  });

  test('a pause without enough time is skipped: the failure is that of the attempt before', async () => {
    const { origin, fetcher } = await fetching(statuses(503), { timeoutMs: 150 });
    await expect(fetcher.fetch(origin.url)).rejects.toMatchObject({ code: 'image.fetch.unavailable' });
    expect(origin.requests).toHaveLength(1);
  });
});

describe('a redirect', () => {
  /** `/3` redirects to `/2` and so on; `/0` is the image. */
  const countdown: RequestListener = (request, response) => {
    const left = Number(request.url?.slice(1));
    if (left === 0) response.end(image);
    else response.writeHead(302, { location: `/${left - 1}` }).end('moved');
  };
  const leadingTo =
    (location: string): RequestListener =>
    (request, response) => {
      if (request.url === '/end') response.end(image);
      else response.writeHead(302, { location }).end();
    };

  test.each([301, 302, 303, 307, 308])('with status %i is followed', async (status) => {
    const { origin, fetcher } = await fetching((request, response) => {
      if (request.url === '/end') response.end(image);
      else response.writeHead(status, { location: '/end' }).end();
    });
    expect(Buffer.from(await fetcher.fetch(`${origin.url}/start`)).toString()).toBe(image);
  });

  test('is followed ten times', async () => {
    const { origin, fetcher } = await fetching(countdown);
    expect(Buffer.from(await fetcher.fetch(`${origin.url}/10`)).toString()).toBe(image);
    expect(origin.requests).toHaveLength(11);
  });

  test('is not followed an eleventh time', async () => {
    const { origin, fetcher } = await fetching(countdown);
    await expect(fetcher.fetch(`${origin.url}/11`)).rejects.toMatchObject({ code: 'image.fetch.too_many_redirects' });
    expect(origin.requests).toHaveLength(11);
  });

  test('may be relative to the path', async () => {
    const { origin, fetcher } = await fetching(leadingTo('../end'));
    expect(Buffer.from(await fetcher.fetch(`${origin.url}/photos/start`)).toString()).toBe(image);
  });

  test('may lead to another host that is allowed', async () => {
    const target = await scriptedOrigin(statuses(200));
    const start = await scriptedOrigin(leadingTo(`${target.url}/end`));
    const fetcher = fetcherOf(createAddressGuard([start.host, target.host]));
    expect(Buffer.from(await fetcher.fetch(start.url)).toString()).toBe(image);
    expect(target.requests).toHaveLength(1);
  });

  test('to an origin that is not allowed never reaches it', async () => {
    const target = await scriptedOrigin(statuses(200));
    const { origin, fetcher } = await fetching(leadingTo(`${target.url}/end`));
    await expect(fetcher.fetch(origin.url)).rejects.toMatchObject({ code: 'image.fetch.blocked_address' });
    expect(target.connections).toHaveLength(0);
  });

  test.each([
    ['http://127.0.0.1/', 'image.fetch.blocked_address'],
    ['//[::1]/', 'image.fetch.blocked_address'],
    ['http://169.254.169.254/latest/meta-data/', 'image.fetch.blocked_address'],
    ['http://localhost/', 'image.fetch.blocked_address'],
    ['file:///etc/passwd', 'image.source_invalid'],
    ['data:image/png;base64,AAAA', 'image.source_invalid'],
    ['http://user:secret@example.org/', 'image.source_invalid'],
    ['http://[', 'image.source_invalid'],
  ])('to %s is %s', async (location, code) => {
    const { origin, fetcher } = await fetching(leadingTo(location));
    await expect(fetcher.fetch(origin.url)).rejects.toMatchObject({ code });
    expect(origin.requests).toHaveLength(1);
  });

  test('may be written in UTF-8 without escapes', async () => {
    const { origin, fetcher } = await fetching((request, response) => {
      if (request.url === '/k%C3%A4tzchen-%E7%8C%AB') return void response.end(image);
      // Sent as bytes, because Node refuses such a header.
      response.socket?.end(
        Buffer.from('HTTP/1.1 302 Found\r\nLocation: /kätzchen-猫\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'),
      );
    });
    expect(Buffer.from(await fetcher.fetch(origin.url)).toString()).toBe(image);
  });

  test('without a location is a failure', async () => {
    const { origin, fetcher } = await fetching(statuses(302));
    await expect(fetcher.fetch(origin.url)).rejects.toMatchObject({
      code: 'image.fetch.http_status',
      message: `302 from ${origin.host}`,
    });
  });
});

describe('a content encoding', () => {
  test.each(['aws-chunked', '', 'none', 'utf-8', 'Identity', 'gzip'])(
    'of %j with a plain image is not looked at',
    async (encoding) => {
      const { origin, fetcher } = await fetching((_request, response) => {
        response.writeHead(200, { 'content-encoding': encoding }).end(image);
      });
      expect(Buffer.from(await fetcher.fetch(origin.url)).toString()).toBe(image);
    },
  );
});

describe('the size', () => {
  test('may equal the maximum', async () => {
    const { origin, fetcher } = await fetching((_request, response) => response.end(image.padEnd(maxBytes)));
    expect(await fetcher.fetch(origin.url)).toHaveLength(maxBytes);
  });

  test('that is announced as too large is refused without waiting for the body', async () => {
    const { origin, fetcher } = await fetching((_request, response) => {
      response.writeHead(200, { 'content-length': maxBytes + 1 });
      response.flushHeaders();
    });
    await expect(fetcher.fetch(origin.url)).rejects.toMatchObject({ code: 'image.too_large' });
  });

  test('that is announced as too large is refused even when the whole body has arrived', async () => {
    const { origin, fetcher } = await fetching((_request, response) => response.end(Buffer.alloc(maxBytes + 1)));
    await expect(fetcher.fetch(origin.url)).rejects.toMatchObject({ code: 'image.too_large' });
    // A stream that is destroyed in this state emits an error one turn later; without a listener, it would end the process.
    await new Promise(setImmediate);
  });

  test('that grows too large without being announced ends the connection', async () => {
    const ended = Promise.withResolvers<void>();
    const { origin, fetcher } = await fetching((_request, response) => {
      const feed = () => {
        while (response.write(image.padEnd(400)));
      };
      response.on('drain', feed).on('close', ended.resolve);
      feed();
    });
    await expect(fetcher.fetch(origin.url)).rejects.toMatchObject({ code: 'image.too_large' });
    await ended.promise;
    expect(origin.requests).toHaveLength(1);
  });
});

describe('the content', () => {
  test.each([
    ['a page', 'text/html', '<!doctype html><title>Not here</title>', '"text/html", which is not an image'],
    [
      'a page that says it is a JPEG',
      'image/jpeg',
      '<!doctype html>',
      'sent bytes that are not a supported image, although it declared "image/jpeg"; supported are',
    ],
    ['an SVG', 'image/svg+xml', '<svg/>', 'sent "image/svg+xml", which is not a supported format; supported are'],
    ['a film', 'video/mp4', '\0\0\0\x18ftypisom\0\0\0\0', '"video/mp4", which is not an image'],
    ['less than a format takes', 'image/gif', 'GIF8', 'bytes that are not a supported image, although'],
    ['nothing', 'image/jpeg', '', 'sent an empty body'],
  ])('is %s: image.unsupported_format, with a description', async (_what, type, body, message) => {
    const { origin, fetcher } = await fetching((_request, response) => {
      response.writeHead(200, { 'content-type': type }).end(body);
    });
    await expect(fetcher.fetch(origin.url)).rejects.toMatchObject({
      code: 'image.unsupported_format',
      message: expect.stringContaining(message),
    });
    expect(origin.requests).toHaveLength(1);
  });

  test('is cancelled after its first bytes when they are not of an image', async () => {
    const ended = Promise.withResolvers<void>();
    const { origin, fetcher } = await fetching((_request, response) => {
      response.on('close', ended.resolve);
      response.write('%PDF-1.7 and it goes on for ever');
    });
    await expect(fetcher.fetch(origin.url)).rejects.toMatchObject({ code: 'image.unsupported_format' });
    await ended.promise;
  });

  test('is refused when it is compressed without a request for it', async () => {
    const { origin, fetcher } = await fetching((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end('\x1f\x8b');
    });
    await expect(fetcher.fetch(origin.url)).rejects.toMatchObject({
      code: 'image.unsupported_format',
      message: expect.stringContaining('"gzip"'),
    });
  });

  test.each(examples)('is an image: %s', async (file) => {
    const bytes = readFileSync(new URL(file, goldenImages));
    const { origin, fetcher } = await fetching((_request, response) => response.end(bytes), { maxBytes: 1_000_000 });
    expect(Buffer.from(await fetcher.fetch(origin.url)).equals(bytes)).toBe(true);
  });
});

describe('a connection', () => {
  test('that is reset is tried three times, then image.fetch.network', async () => {
    const { origin, fetcher } = await fetching((request) => request.socket.resetAndDestroy());
    await expect(fetcher.fetch(origin.url)).rejects.toMatchObject({ code: 'image.fetch.network' });
    expect(origin.requests).toHaveLength(3);
  });

  test('that is reset once does not fail the download', async () => {
    let resets = 0;
    const { origin, fetcher } = await fetching((request, response) => {
      if (resets++ === 0) request.socket.resetAndDestroy();
      else response.end(image);
    });
    expect(Buffer.from(await fetcher.fetch(origin.url)).toString()).toBe(image);
  });

  test.each(['with', 'without'])(
    'that ends in the middle of a body %s a length is image.fetch.network',
    async (how) => {
      const { origin, fetcher } = await fetching((_request, response) => {
        if (how === 'with') response.setHeader('content-length', 100);
        response.write('half');
        setImmediate(() => response.destroy());
      });
      await expect(fetcher.fetch(origin.url)).rejects.toMatchObject({ code: 'image.fetch.network' });
      expect(origin.requests).toHaveLength(3);
    },
  );

  test('that is refused is image.fetch.network', async () => {
    const closed = await scriptedOrigin(statuses(200));
    const fetcher = fetcherOf(createAddressGuard(['127.0.0.1']));
    // Nothing listens on this port: it is reserved (RFC 6335). The origin above shows that loopback itself answers.
    await fetcher.fetch(closed.url);
    await expect(fetcher.fetch('http://127.0.0.1:1/')).rejects.toMatchObject({ code: 'image.fetch.network' });
  });

  test('that answers with something other than HTTP is image.fetch.protocol, after one attempt', async () => {
    const { origin, fetcher } = await fetching((request) => request.socket.end('SSH-2.0-OpenSSH_9.9\r\n'));
    await expect(fetcher.fetch(origin.url)).rejects.toMatchObject({ code: 'image.fetch.protocol' });
    expect(origin.requests).toHaveLength(1);
  });

  test('that does not support TLS at an https address is image.fetch.tls, after one attempt', async () => {
    const { origin, fetcher } = await fetching(statuses(200));
    await expect(fetcher.fetch(origin.url.replace('http', 'https'))).rejects.toMatchObject({ code: 'image.fetch.tls' });
    expect(origin.connections).toHaveLength(1);
  });
});

describe('the deadline', () => {
  test.each<[string, RequestListener]>([
    ['never answers', () => {}],
    ['stops in the middle of a body', (_request, response) => void response.write('half')],
    [
      'stops in the middle of a body with a length',
      (_request, response) => {
        response.setHeader('content-length', 100);
        response.write('half');
      },
    ],
  ])('ends a host that %s: image.fetch.timeout after one request', async (_what, handler) => {
    const { origin, fetcher } = await fetching(handler, { timeoutMs: 300 });
    await expect(fetcher.fetch(origin.url)).rejects.toMatchObject({
      code: 'image.fetch.timeout',
      message: expect.stringContaining('300 ms'),
    });
    expect(origin.requests).toHaveLength(1);
  });

  test('a host that falls silent fails before the deadline, with the step it stopped at', async () => {
    const { origin, fetcher } = await fetching((_request, response) => void response.write('GIF'), { idleMs: 100 });
    await expect(fetcher.fetch(origin.url)).rejects.toMatchObject({
      code: 'image.fetch.timeout',
      message: expect.stringContaining('in the middle of the image'),
    });
  });

  test('ends the download from a host that sends a byte now and then', async () => {
    const { origin, fetcher } = await fetching(
      (_request, response) => {
        response.write(image);
        const drip = setInterval(() => response.write('.'), 20);
        response.on('close', () => clearInterval(drip));
      },
      { timeoutMs: 500, idleMs: 200 },
    );
    await expect(fetcher.fetch(origin.url)).rejects.toMatchObject({
      code: 'image.fetch.timeout',
      message: expect.stringContaining('500 ms'),
    });
    expect(origin.requests).toHaveLength(1);
  });

  test('includes redirects', async () => {
    const { origin, fetcher } = await fetching(
      (request, response) => {
        if (request.url === '/start') response.writeHead(302, { location: '/silence' }).end();
      },
      { timeoutMs: 300 },
    );
    await expect(fetcher.fetch(`${origin.url}/start`)).rejects.toMatchObject({ code: 'image.fetch.timeout' });
    expect(origin.requests).toHaveLength(2);
  });
});

describe('an address that is not public', () => {
  test.each([
    'http://127.0.0.1/',
    'http://2130706433/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://169.254.169.254/',
    'http://localhost/',
    'https://localhost/',
  ])('%s is blocked', async (url) => {
    const fetcher = fetcherOf(createAddressGuard([]));
    await expect(fetcher.fetch(url)).rejects.toMatchObject({ code: 'image.fetch.blocked_address' });
  });

  test('gets no request even when it passes the check of the URL', async () => {
    const origin = await scriptedOrigin(statuses(200));
    const strict = createAddressGuard([]);
    const fetcher = fetcherOf({ checkUrl: () => {}, checkAddress: strict.checkAddress, isAllowed: () => false });
    await expect(fetcher.fetch(origin.url)).rejects.toMatchObject({ code: 'image.fetch.blocked_address' });
    expect(origin.requests).toHaveLength(0);
  });

  const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));
  test.runIf(hasIpv6)('is fetched when it is allowed, also as an IPv6 address', async () => {
    const origin = await scriptedOrigin(statuses(200), '::1');
    const fetcher = fetcherOf(createAddressGuard([origin.host]));
    expect(Buffer.from(await fetcher.fetch(origin.url)).toString()).toBe(image);
  });
});

describe("the caller's signal", () => {
  test('ends a download in progress with its own reason', async () => {
    const abort = new AbortController();
    const { origin, fetcher } = await fetching(() => abort.abort(new Error('the caller left')));
    await expect(fetcher.fetch(origin.url, { signal: abort.signal })).rejects.toThrow('the caller left');
    expect(origin.requests).toHaveLength(1);
  });

  test('closes the connection of the download', async () => {
    const abort = new AbortController();
    const closed = Promise.withResolvers<void>();
    const { origin, fetcher } = await fetching((request, response) => {
      request.socket.on('close', () => closed.resolve());
      response.writeHead(200).write(image);
    });
    const left = fetcher.fetch(origin.url, { signal: abort.signal });
    await expect.poll(() => origin.requests.length).toBe(1);
    abort.abort(new Error('the batch was cancelled'));
    await expect(left).rejects.toThrow('the batch was cancelled');
    await closed.promise;
  });

  test('that is already aborted sends nothing', async () => {
    const { origin, fetcher } = await fetching(statuses(200));
    const aborted = AbortSignal.abort(new Error('the caller left'));
    await expect(fetcher.fetch(origin.url, { signal: aborted })).rejects.toThrow('the caller left');
    expect(origin.requests).toHaveLength(0);
  });

  test('that never aborts changes nothing', async () => {
    const { origin, fetcher } = await fetching(statuses(503, 200));
    expect(Buffer.from(await fetcher.fetch(origin.url, { signal: new AbortController().signal })).toString()).toBe(
      image,
    );
  });
});
