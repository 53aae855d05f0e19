import { Resolver } from 'node:dns/promises';
import { describe, expect, test } from 'vitest';
import type { BatchSummary } from '../../../shared/contracts/batch/summary.ts';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { captions, photoNames, readPhoto } from '../../../testing/images/host.ts';
import { useService } from '../../support/running-service.ts';

const running = useService();

const unknownHost = 'no-such-running.host.invalid';

/** On a machine without a network, name servers do not say that a host does not exist. */
const codeOfUnknownHost = await new Resolver({ timeout: 1_000, tries: 1 }).resolve4(unknownHost).then(
  () => 'image.fetch.http_status' as const,
  ({ code }: NodeJS.ErrnoException) =>
    code === 'ENOTFOUND' ? ('image.fetch.unknown_host' as const) : ('image.fetch.dns' as const),
);

const texts = Object.values(captions);
const pick = <Value>(values: readonly Value[], at: number): Value => values[at % values.length] as Value;

/** Faults of every n-th item, with their error codes. */
const faults = [
  {
    every: 25,
    item: () => ({ image: running.host.url('missing.jpg'), text: 'nothing' }),
    code: 'image.fetch.http_status',
  },
  {
    every: 31,
    item: () => ({ image: running.host.url('truncated.jpg'), text: 'half a coffee' }),
    code: 'image.corrupt',
  },
  { every: 37, item: () => ({ image: running.host.url('text.jpg'), text: 'words' }), code: 'image.unsupported_format' },
  { every: 41, item: () => ({ image: running.host.url('coffee.jpg'), text: ' ' }), code: 'text.empty' },
  {
    every: 47,
    item: () => ({ image: `http://${unknownHost}/x.jpg`, text: 'x' }),
    code: codeOfUnknownHost,
  },
  { every: 53, item: () => ({ image: 42, text: 'x' }), code: 'item.invalid' },
] as const;

test('a batch of 500 with every kind of failure accounts for each item once, and scores the others as single does', async () => {
  const expectedCodes = new Map<number, string>();
  const items = Array.from({ length: 500 }, (_, index) => {
    const fault = faults.find(({ every }) => index % every === every - 1);
    if (fault) expectedCodes.set(index, fault.code);
    const good = { image: running.host.url(pick(photoNames, index)), text: pick(texts, Math.floor(index / 6)) };
    return { id: `item-${index}`, metadata: { row: index }, ...(fault?.item() ?? good) };
  });

  const posted = await running.client.batch.post(items);
  expect(posted.status).toBe(202);
  expect(posted.headers.get('location')).toBe(`/evaluator/v1/evaluation/batch/${posted.body.id}`);
  const status = await running.client.batch.finished(posted.body.id);

  expect(status.state).toBe('completed_with_errors');
  const failed = expectedCodes.size;
  expect(status.items).toEqual({ total: 500, succeeded: 500 - failed, failed, cancelled: 0, pending: 0 });
  const byCode = Object.fromEntries(faults.map(({ code }) => [code, 0]));
  for (const code of expectedCodes.values()) byCode[code] = (byCode[code] ?? 0) + 1;
  expect(status.failures).toEqual(byCode);

  const results = await running.client.batch.results(posted.body.id);
  expect(results.map(({ index }) => index).sort((a, b) => a - b)).toEqual(items.map((_, index) => index));
  for (const result of results) {
    expect(result).toMatchObject({ id: `item-${result.index}`, metadata: { row: result.index } });
    expect(codeOf(result)).toBe(expectedCodes.get(result.index));
  }

  const singles = new Map<string, number>();
  for (const photo of photoNames) {
    const { body } = await running.client.single<{ results: { text: string; cosine: number }[] }>({
      image: running.host.url(photo),
      text: texts,
    });
    for (const { text, cosine } of body.results) singles.set(`${running.host.url(photo)} ${text}`, cosine);
  }
  for (const result of results) {
    if (result.status !== 'succeeded') continue;
    const { image, text } = items[result.index] as { image: string; text: string };
    expect(result.cosine).toBeCloseTo(singles.get(`${image} ${text}`) ?? Number.NaN, 4);
    expect(result.score).toBeCloseTo(100 * Math.max(result.cosine, 0), 3);
  }
});

const codeOf = (result: ItemResult) => (result.status === 'failed' ? result.error.code : undefined);

test('results can be read while the batch runs, and following `next` misses none', async () => {
  running.host.latencyMs = 40;
  const items = Array.from({ length: 150 }, (_, index) => ({
    image: running.host.url(`${pick(photoNames, index)}?${index}`),
    text: pick(texts, index),
  }));
  const { body } = await running.client.batch.post(items);
  await running.client.batch.until(body.id, ({ items: { succeeded } }) => succeeded > 0);
  const partial = await running.client.call<{ next: string | null }>(`/v1/evaluation/batch/${body.id}/results`);
  expect(partial.body.next).not.toBeNull();
  const results = await running.client.batch.results(body.id);
  running.host.latencyMs = 0;
  expect(new Set(results.map(({ index }) => index)).size).toBe(150);
  expect(results).toHaveLength(150);
});

test('results can be filtered by outcome', async () => {
  const items = [
    { image: running.host.url('coffee.jpg'), text: 'coffee' },
    { image: running.host.url('missing.jpg'), text: 'x' },
  ];
  const { body } = await running.client.batch.post(items);
  await running.client.batch.finished(body.id);
  const failed = await running.client.batch.results(body.id, '&status=failed');
  expect(failed).toMatchObject([
    {
      index: 1,
      status: 'failed',
      error: {
        code: 'image.fetch.http_status',
        message: `404 from ${running.host.authority}: not found`,
        retryable: false,
      },
    },
  ]);
});

test('a batch without one good item is failed, and says that all failed', async () => {
  const { body } = await running.client.batch.post([{ image: running.host.url('missing.jpg'), text: 'x' }]);
  expect(await running.client.batch.finished(body.id)).toMatchObject({ state: 'failed', reason: 'all_failed' });
});

test('a batch without a fault is completed, and says when it will be forgotten', async () => {
  const { body } = await running.client.batch.post([{ image: running.host.url('coffee.jpg'), text: 'coffee' }]);
  const status = await running.client.batch.finished(body.id);
  expect(status).toMatchObject({ state: 'completed', failures: {}, reason: null });
  expect(Date.parse(status.expiresAt ?? '') - Date.parse(status.finishedAt ?? '')).toBe(72 * 3_600_000);
});

test('strict=true refuses a batch with a bad item and names its place', async () => {
  const { status, body } = await running.client.post<{ code: string; errors: unknown[] }>(
    '/v1/evaluation/batch?strict=true',
    {
      items: [{ image: running.host.url('coffee.jpg'), text: 'coffee' }, { image: running.host.url('coffee.jpg') }],
    },
  );
  expect(status).toBe(400);
  expect(body).toMatchObject({ code: 'request.invalid', errors: [{ path: 'items[1].text' }] });
});

describe('an image that was posted as bytes', () => {
  const png = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  );
  const html = Buffer.from('<!DOCTYPE html><script>alert(document.cookie)</script>');
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>');
  const photo = readPhoto('coffee.jpg');
  const uri = (type: string, bytes: Buffer) => `data:${type};base64,${bytes.toString('base64')}`;

  /** Posts pairs with these images; returns a function that requests one of them. */
  async function post(images: unknown[]) {
    const { body } = await running.client.batch.post(images.map((image) => ({ image, text: 'a cup of coffee' })));
    const read = (index: number, init?: RequestInit) =>
      fetch(`${running.service.url}/evaluator/v1/evaluation/batch/${body.id}/images/${index}`, init);
    return { id: body.id, read };
  }

  test('is served with these bytes and the type that they have, and its result says so', async () => {
    const base64 = photo.toString('base64');
    const images = [
      base64,
      photo.toString('base64url'),
      uri('text/html', photo),
      { base64, path: 'photos/a.jpg' },
      { base64: png.toString('base64') },
      running.host.url('coffee.jpg'),
    ];
    const { id, read } = await post(images);
    await running.client.batch.finished(id);
    for (const [index, bytes] of [photo, photo, photo, photo, png].entries()) {
      const answer = await read(index);
      const head = await read(index, { method: 'HEAD' });
      expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true);
      expect((await head.arrayBuffer()).byteLength).toBe(0);
      for (const { status, headers } of [answer, head]) {
        const names = ['type', 'length', 'disposition', 'security-policy'].map((name) => `content-${name}`);
        const others = ['x-content-type-options', 'cross-origin-resource-policy', 'cache-control', 'vary'];
        expect([status, ...[...names, ...others].map((name) => headers.get(name))]).toEqual([
          200,
          bytes === png ? 'image/png' : 'image/jpeg',
          String(bytes.length),
          'inline',
          "default-src 'none'; sandbox",
          'nosniff',
          'same-origin',
          'private, max-age=3600',
          'Cookie, Authorization, X-API-Key',
        ]);
      }
    }
    const stored = [true, true, true, true, true, undefined];
    const storedIn = (results: ItemResult[]) => {
      const byIndex = results.toSorted((a, b) => a.index - b.index);
      return byIndex.map(({ imageStored }) => imageStored);
    };
    expect(storedIn(await running.client.batch.results(id, '&items=true'))).toEqual(stored);
    expect(storedIn(await running.client.batch.results(id, '&items=true&sort=-score'))).toEqual(stored);
    const accept = { headers: { accept: 'application/x-ndjson' } };
    const { body } = await running.client.call<string>(`/v1/evaluation/batch/${id}/results?items=true`, accept);
    expect(
      storedIn(
        body
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line)),
      ),
    ).toEqual(stored);
    const bare = await running.client.batch.results(id);
    expect(storedIn(bare)).toEqual(stored.map(() => undefined));
    const { body: summary } = await running.client.call<BatchSummary>(`/v1/evaluation/batch/${id}/summary`);
    for (const { index, imageStored } of summary.highest) expect(imageStored).toBe(stored[index]);
  });

  test('is never served as a page or a drawing, whatever type its sender names', async () => {
    const { id, read } = await post([
      { base64: html.toString('base64') },
      uri('image/png', html),
      uri('image/svg+xml', svg),
      running.host.url('coffee.jpg'),
    ]);
    for (const [index, code] of [...Array(3).fill('image.unsupported_format'), 'batch.no_image'].entries()) {
      const answer = await read(index);
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(answer.headers.get('cache-control')).toBe('private, no-cache');
      expect(await answer.json()).toMatchObject({ code });
    }
    await running.client.batch.finished(id);
    for (const { imageStored } of await running.client.batch.results(id, '&items=true')) {
      expect(imageStored).toBeUndefined();
    }
  });

  test('is served while the batch runs', async () => {
    running.host.hold();
    const { id, read } = await post([running.host.url('held/coffee.jpg'), photo.toString('base64')]);
    expect((await read(1)).status).toBe(200);
    running.host.release();
    await running.client.batch.finished(id);
  });
});
