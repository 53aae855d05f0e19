import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BatchEvent } from '../../../batches/reading/events.ts';
import { askMasters } from '../../../shared/redis/masters.ts';
import { type Engine, startEngine, succeeded, tenant } from '../../support/engine.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.close());

const signal = () => new AbortController().signal;

async function follow(id: string): Promise<AsyncGenerator<BatchEvent>> {
  const events = await engine.batches.follow(tenant, id, undefined, signal());
  if (events === undefined) throw new Error('The batch has ended');
  return events;
}

/** How often a command was run since the statistics were reset. */
async function callsOf(command: string): Promise<number> {
  const stats = await askMasters(engine.redis, (master) => master.info('commandstats'));
  const calls = stats.map((text) => Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(text)?.[1] ?? 0));
  return calls.reduce((sum, count) => sum + count, 0);
}

test('however many follow a batch, its stream is read once', async () => {
  const id = await engine.post(12);
  const readers = await Promise.all(Array.from({ length: 50 }, () => follow(id)));
  for (const reader of readers) expect((await reader.next()).value.event).toBe('state');
  const progress = async (chunk: number) => {
    const next = Promise.all(readers.map((reader) => reader.next()));
    await engine.commit(id, chunk, succeeded(4 * chunk, 4));
    for (const { value } of await next)
      expect(value).toMatchObject({ event: 'progress', data: { items: { succeeded: 4 * chunk + 4 } } });
  };
  await progress(0);
  await askMasters(engine.redis, (master) => master.config('RESETSTAT'));
  await progress(1);
  // Fifty readers of their own would have read at least fifty times.
  expect(await callsOf('xrange')).toBeLessThan(10);
  await Promise.all(readers.map((reader) => reader.return(undefined)));
});

test('a reader that reconnects between two events of a chunk continues with the second', async () => {
  const id = await engine.post(12);
  const failed = succeeded(0, 4).map(({ index }) => ({
    index,
    status: 'failed' as const,
    error: { code: 'image.corrupt' as const, message: 'broken', retryable: false },
  }));
  await engine.commit(id, 0, failed);
  await engine.commit(id, 1, succeeded(4, 4));
  await engine.commit(id, 2, succeeded(8, 4));
  const [first] = (await engine.redis.xrange(`vls:{${id}}:events`, '-', '+')) as [string, string[]][];
  const read = async (lastId: string) => {
    const events = await engine.batches.follow(tenant, id, lastId, signal());
    const seen: BatchEvent[] = [];
    for await (const event of events ?? []) seen.push(event);
    return seen;
  };
  const whole = await read(`${first?.[0]}/0`);
  expect(whole.map(({ event }) => event)).toEqual([
    'failure',
    'failure',
    'failure',
    'failure',
    'progress',
    'progress',
    'progress',
    'end',
  ]);
  for (const [at, { id: last }] of whole.slice(0, -1).entries()) {
    expect((await read(last)).map(({ id: seen }) => seen)).toEqual(whole.slice(at + 1).map(({ id: seen }) => seen));
  }
});

test('an event that the stream has dropped is answered with a reset', async () => {
  const id = await engine.post(12);
  await engine.commit(id, 0, succeeded(0, 4));
  const [first] = (await engine.redis.xrange(`vls:{${id}}:events`, '-', '+')) as [string, string[]][];
  await engine.redis.xtrim(`vls:{${id}}:events`, 'MAXLEN', 1);
  const events = await engine.batches.follow(tenant, id, `${first?.[0]}/0`, signal());
  expect((await events?.next())?.value).toMatchObject({ event: 'reset', data: { id, items: { succeeded: 4 } } });
  await events?.return(undefined);
});

test('following ends when the batch is deleted or the reader goes away', async () => {
  const id = await engine.post(4);
  const controller = new AbortController();
  const events = await engine.batches.follow(tenant, id, undefined, controller.signal);
  await events?.next();
  const rest = events?.next();
  controller.abort();
  expect((await rest)?.done).toBe(true);
});
