import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { watchBacklog } from '../../../batches/queue/backlog-watch.ts';
import { until } from '../../../testing/until.ts';
import { type Engine, startEngine } from '../../support/engine.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.close());

const quick = { everyMs: 20, afterMs: 200 };

function watch(isIdle: () => boolean) {
  const onSilent = vi.fn();
  const backlog = watchBacklog(engine.redis, 'compact', isIdle, onSilent, quick);
  onTestFinished(() => backlog.close());
  return { backlog, onSilent };
}
/** Long enough for ten looks, by another watch that has the same clock. */
const aWhile = async () => {
  const { onSilent } = watch(() => true);
  await until(() => expect(onSilent.mock.calls.length).toBeGreaterThan(1));
};

test('a worker that is idle while chunks wait is silent; one that has work in flight is not', async () => {
  const idle = watch(() => true);
  const busy = watch(() => false);
  await engine.post(4);
  await until(() => expect(idle.onSilent).toHaveBeenCalled());
  expect(idle.backlog.silentMs()).toBeGreaterThanOrEqual(200);
  expect(busy.onSilent).not.toHaveBeenCalled();
  expect(busy.backlog.silentMs()).toBe(0);
});

test('one that takes chunks is not silent, however many wait', async () => {
  const { backlog, onSilent } = watch(() => true);
  const taking = setInterval(backlog.taken, 20);
  onTestFinished(() => clearInterval(taking));
  await aWhile();
  expect(onSilent).not.toHaveBeenCalled();
});
