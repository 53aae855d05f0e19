import { batchKeys, liveBatches } from '../../shared/redis/keys.ts';
import { redisTime } from '../../shared/redis/time.ts';
import type { Redis } from '../../shared/redis.ts';
import type { Reading } from '../../shared/telemetry/readings.ts';
import type { Queues } from '../queue/queues.ts';
import type { Speed } from './speed.ts';

/** The maximum number of running batches that are read at once. Counts are extrapolated to the rest. */
const maxRead = 1_000;
/**
 * Items per second, assumed when none were committed recently. The backlog in seconds then equals the pending items.
 */
const assumedSpeed = 1;

const liveStates = ['accepting', 'queued', 'running'] as const;

/** The running batches of one queue that were posted with the same profile or model name. */
interface LiveBatches {
  pending: number;
  oldestAt: number;
  states: Record<(typeof liveStates)[number], number>;
}

/**
 * Reads the backlog of each queue, and counts its running batches by the profile or model that clients named. Returns
 * an empty list while Redis is unavailable.
 */
export async function readBacklog(
  redis: Redis,
  queues: Queues,
  speed: Speed,
  queueNames: readonly string[],
): Promise<Reading[]> {
  if (redis.status !== 'ready') return [];
  const [now, live, speeds, counts, finished] = await Promise.all([
    redisTime(redis),
    readLive(redis, queueNames),
    speed.read(queueNames),
    queues.counts(queueNames),
    queues.finished(queueNames),
  ]);
  return queueNames.flatMap((queue, at): Reading[] => {
    const labels = { queue };
    const posted = [...(live.get(queue) ?? [])];
    const pending = posted.reduce((sum, [, batches]) => sum + batches.pending, 0);
    const itemsPerSecond = speeds.get(queue) ?? 0;
    const { waiting = 0, active = 0, failed = 0, workers = 0 } = counts[at] ?? {};
    return [
      ...posted.flatMap(([profile, batches]) => readingsOf({ queue, profile }, batches, now)),
      { name: 'vls_items_per_second', labels, value: itemsPerSecond },
      { name: 'vls_backlog_seconds', labels, value: pending / (itemsPerSecond || assumedSpeed) },
      { name: 'vls_queue_chunks', labels: { queue, state: 'waiting' }, value: waiting },
      { name: 'vls_queue_chunks', labels: { queue, state: 'active' }, value: active },
      { name: 'vls_queue_chunks', labels: { queue, state: 'failed' }, value: failed },
      { name: 'vls_queue_workers', labels, value: workers },
      { name: 'vls_queue_jobs_total', labels: { queue, result: 'completed' }, value: finished[at]?.completed ?? 0 },
      { name: 'vls_queue_jobs_total', labels: { queue, result: 'failed' }, value: finished[at]?.failed ?? 0 },
    ];
  });
}

function readingsOf(labels: Record<'queue' | 'profile', string>, batches: LiveBatches, now: number): Reading[] {
  const { pending, oldestAt, states } = batches;
  const age = oldestAt === Number.POSITIVE_INFINITY ? 0 : Math.max(0, now - oldestAt) / 1000;
  return [
    { name: 'vls_items_pending', labels, value: pending },
    { name: 'vls_batch_oldest_age_seconds', labels, value: age },
    ...liveStates.map(
      (state): Reading => ({ name: 'vls_batches', labels: { ...labels, state }, value: states[state] }),
    ),
  ];
}

const noBatches = (): LiveBatches => ({
  pending: 0,
  oldestAt: Number.POSITIVE_INFINITY,
  states: { accepting: 0, queued: 0, running: 0 },
});

/**
 * Counts running batches by queue, and in a queue by the profile or model that the client named. Each queue has an
 * entry under its own name even without batches.
 */
async function readLive(redis: Redis, queueNames: readonly string[]): Promise<Map<string, Map<string, LiveBatches>>> {
  const [all, ids] = await Promise.all([
    redis.zcard(liveBatches(redis)),
    redis.zrange(liveBatches(redis), 0, String(maxRead - 1)),
  ]);
  // Single commands instead of a pipeline, because the batches are in different slots of a Redis cluster.
  const records = await Promise.all(
    ids.map((id) =>
      redis.hmget(
        batchKeys(redis, id).batch,
        'profile',
        'postedName',
        'state',
        'createdAt',
        'total',
        'succeeded',
        'failed',
      ),
    ),
  );
  const found = new Map(queueNames.map((queue) => [queue, new Map([[queue, noBatches()]])]));
  const share = Math.max(1, all / Math.max(1, ids.length));
  for (const [queue, postedName, state, createdAt, total, succeeded, failed] of records) {
    const ofQueue = found.get(queue ?? '');
    const known = liveStates.find((name) => name === state);
    // The batch has just ended, was deleted, or belongs to a removed profile.
    if (ofQueue === undefined || known === undefined) continue;
    const name = postedName ?? queue ?? '';
    const one = ofQueue.get(name) ?? noBatches();
    ofQueue.set(name, one);
    one.states[known] += share;
    // The number of items is unknown in state `accepting`.
    if (known !== 'accepting') one.pending += share * (Number(total) - Number(succeeded) - Number(failed));
    one.oldestAt = Math.min(one.oldestAt, Number(createdAt));
  }
  return found;
}
