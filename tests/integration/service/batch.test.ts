import { Resolver } from 'node:dns/promises';
import { expect, test } from 'vitest';
import type { ItemResult } from '../../../shared/contracts/item.ts';
import { captions, photoNames } from '../../../testing/images/host.ts';
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
