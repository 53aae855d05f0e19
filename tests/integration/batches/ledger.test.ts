import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type JobData, jobData } from '../../../batches/store/payload.ts';
import { terminalStates } from '../../../shared/contracts/batch/status.ts';
import { batchKeys, turnKeys } from '../../../shared/redis/keys.ts';
import { askMasters } from '../../../shared/redis/masters.ts';
import { type Engine, failed, startEngine, succeeded } from '../../support/engine.ts';

/**
 * The ledger of fair turns is `finish:<tenant>`. Each chunk that is let into the queue is charged, and a turn that was
 * never served is given back, once. So the ledger of a tenant whose chunks are all let in before the first is taken is
 * the work done; with later ones it also contains its absences (start-time fair queueing), and is never less than that.
 */
let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
  ({ turns, starts } = turnKeys(engine.redis, 'compact'));
});
afterAll(() => engine.close());

const costOf = (chunk: number) => (chunk < 32 ? 1 : 16);
let turns: string;
let starts: string;
const ledgerOf = async (tenant: string) => Number((await engine.redis.hget(turns, `finish:${tenant}`)) ?? 0);

/** The job at the front of the queue, taken out of it as a worker would. */
async function takeJob(): Promise<JobData | undefined> {
  const queue = engine.queues.all().find(({ name }) => name === 'evaluate-compact');
  const [job] = (await queue?.getJobs(['prioritized'], 0, 0, true)) ?? [];
  if (job === undefined) return undefined;
  await job.remove();
  return jobData.parse(job.data);
}

type Step =
  | { do: 'post'; chunks: number; tenant: number; budget: boolean }
  | { do: 'take' | 'succeed' | 'fail' | 'release' | 'lose'; nth: number }
  | { do: 'cancel' | 'delete' | 'settle'; nth: number; twice: boolean }
  | { do: 'sweep' };

const nth = fc.nat({ max: 5 });
const post: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('post' as const),
  chunks: fc.integer({ min: 1, max: 32 }),
  tenant: fc.nat({ max: 1 }),
  budget: fc.boolean(),
});
const work: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: fc.record({ do: fc.constant('take' as const), nth }), weight: 4 },
  { arbitrary: fc.record({ do: fc.constantFrom('succeed' as const, 'fail', 'release'), nth }), weight: 4 },
  fc.record({ do: fc.constantFrom('cancel' as const, 'delete', 'settle'), nth, twice: fc.boolean() }),
);
const repair: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('lose' as const), nth }),
  fc.record({ do: fc.constant('sweep' as const) }),
);

const itemsFor = (chunks: number) => (chunks <= 32 ? 4 * chunks : 4 * 32 + 64 * (chunks - 32));

/** Runs the steps for tenants of the given weights; at the end everything is cancelled, and each ledger is checked. */
async function run(steps: readonly Step[], weights: readonly number[], isExact: boolean): Promise<void> {
  await askMasters(engine.redis, (master) => master.flushall());
  const tenants = weights.map((weight, at) => ({ name: `tenant-${at}`, weight }));
  const done = new Map(tenants.map(({ name }) => [name, 0]));
  const batches: { id: string; tenant: string }[] = [];
  const inFlight: JobData[] = [];
  const pickOf = <Value>(list: readonly Value[], at: number) => list[list.length === 0 ? 0 : at % list.length];

  for (const step of steps) {
    const tenant = step.do === 'post' ? pickOf(tenants, step.tenant) : undefined;
    if (step.do === 'post' && tenant !== undefined) {
      const options = step.budget ? { budgetCount: 3, budgetAfter: 0 } : {};
      const limits = { queuedItems: 0, weight: tenant.weight };
      const id = await engine.post(itemsFor(step.chunks), { tenant: tenant.name, limits, options });
      batches.push({ id, tenant: tenant.name });
    } else if (step.do === 'take') {
      const job = await takeJob();
      if (job === undefined) continue;
      const ticket = await engine.redis.hexists(starts, `${job.batchId}-${job.chunk}`);
      const picked = await engine.chunks.pick(job, 'compact');
      if (picked.verdict !== 'run') continue;
      inFlight.push(job);
      if (ticket === 1) done.set(job.tenant, (done.get(job.tenant) ?? 0) + costOf(job.chunk) / (job.weight ?? 1));
    } else if (step.do === 'lose') {
      // A worker dies: neither its chunk nor its job comes back by itself.
      const job = pickOf(inFlight, step.nth);
      if (job === undefined) continue;
      inFlight.splice(inFlight.indexOf(job), 1);
      await engine.redis.srem(batchKeys(engine.redis, job.batchId).active, job.chunk);
    } else if (step.do === 'succeed' || step.do === 'fail' || step.do === 'release') {
      const job = pickOf(inFlight, step.nth);
      if (job === undefined) continue;
      inFlight.splice(inFlight.indexOf(job), 1);
      const count = job.chunk < 32 ? 4 : 64;
      const offset = job.chunk < 32 ? 4 * job.chunk : itemsFor(job.chunk);
      if (step.do === 'release') await engine.chunks.release(job);
      else await engine.commit(job.batchId, job.chunk, (step.do === 'fail' ? failed : succeeded)(offset, count));
    } else if (step.do === 'sweep') {
      await engine.sweeper.sweep();
    } else if (step.do === 'cancel' || step.do === 'delete' || step.do === 'settle') {
      const batch = pickOf(batches, step.nth);
      if (batch === undefined) continue;
      const act = async () => {
        if (step.do !== 'settle') return await engine.ending.stop(batch.id, { state: 'cancelled' });
        const state = await engine.redis.hget(batchKeys(engine.redis, batch.id).batch, 'state');
        if (terminalStates.has(state as 'cancelled')) await engine.ending.settle(batch.id);
      };
      await Promise.all([act(), ...(step.twice ? [act()] : [])]);
      if (step.do === 'delete') await engine.ending.erase(batch);
    }
    for (const { name } of tenants) expect(await ledgerOf(name)).toBeGreaterThanOrEqual(0);
  }

  for (const { id } of batches) await engine.ending.stop(id, { state: 'cancelled' });
  for (let job = await takeJob(); job !== undefined; job = await takeJob()) await engine.chunks.pick(job, 'compact');
  expect(await engine.redis.hlen(starts)).toBe(0);
  for (const { name } of tenants) {
    const work = done.get(name) ?? 0;
    if (isExact) expect(await ledgerOf(name)).toBeCloseTo(work, 9);
    else expect(await ledgerOf(name)).toBeGreaterThanOrEqual(work - 1e-9);
  }
}

/** A counterexample is shrunk by hand: each run takes a real Redis a while. */
const runs = { numRuns: 12, endOnFailure: true } as const;

test('the ledger of a tenant that is alone equals the work done, and is never below zero', async () => {
  const postsFirst = fc
    .tuple(fc.array(post, { minLength: 1, maxLength: 4 }), fc.array(work, { minLength: 5, maxLength: 40 }))
    .map(([posts, rest]) => [...posts, ...rest]);
  await fc.assert(
    fc.asyncProperty(postsFirst, fc.constantFrom(1, 2, 3, 0.3), (sequence, weight) => run(sequence, [weight], true)),
    runs,
  );
});

test('the ledgers of two tenants are never below their work done, whatever is lost and swept', async () => {
  const steps = fc.array(fc.oneof(post, { arbitrary: work, weight: 6 }, repair), { minLength: 5, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(steps, (sequence) => run(sequence, [1, 3], false)),
    runs,
  );
});

test('a failure budget that ends a batch with chunks in flight gives each waiting turn back once', async () => {
  await askMasters(engine.redis, (master) => master.flushall());
  const tenant = 'spent';
  const id = await engine.post(4 * 32, { tenant, options: { budgetCount: 0, budgetAfter: 0 } });
  const taken: JobData[] = [];
  for (let at = 0; at < 8; at++) {
    const job = await takeJob();
    if (job === undefined) break;
    await engine.chunks.pick(job, 'compact');
    taken.push(job);
  }
  // The commits that come after it found the batch ended, and each gave all waiting turns back once more.
  await Promise.all(taken.map((job) => engine.commit(id, job.chunk, failed(4 * job.chunk, 4))));
  expect(taken).toHaveLength(8);
  expect(await ledgerOf(tenant)).toBe(8);
});
