import { batchKeys, liveBatches } from '../../shared/redis/keys.ts';
import { redisTime } from '../../shared/redis/time.ts';
import type { Redis } from '../../shared/redis.ts';
import type { Reading } from '../../shared/telemetry/readings.ts';
import type { Queues } from '../queue/queues.ts';
import type { Speed } from './speed.ts';

/** Live batches that one look reads; when there are more, the rest is taken to be like them. */
const maxRead = 1_000;
/**
 * Items a second that are assumed where none are committed: without any worker the backlog is as many seconds as items,
 * so that it is above zero whatever waits, and calls for workers the more the more waits.
 */
const assumedSpeed = 1;

const liveStates = ['accepting', 'queued', 'running'] as const;

interface Live {
  pending: number;
  oldestAt: number;
  states: Record<(typeof liveStates)[number], number>;
}

/** What waits in Redis, for each profile. Nothing while Redis is away. */
export async function readBacklog(
  redis: Redis,
  queues: Queues,
  speed: Speed,
  profiles: readonly string[],
): Promise<Reading[]> {
  if (redis.status !== 'ready') return [];
  const [now, live, speeds, counts, finished] = await Promise.all([
    redisTime(redis),
    readLive(redis, profiles),
    speed.read(profiles),
    queues.counts(profiles),
    queues.finished(profiles),
  ]);
  return profiles.flatMap((profile, at): Reading[] => {
    const labels = { profile };
    const { pending, oldestAt, states } = live.get(profile) ?? nothing();
    const itemsPerSecond = speeds.get(profile) ?? 0;
    const { waiting = 0, active = 0, failed = 0, workers = 0 } = counts[at] ?? {};
    const age = oldestAt === Number.POSITIVE_INFINITY ? 0 : Math.max(0, now - oldestAt) / 1000;
    return [
      { name: 'vls_items_pending', labels, value: pending },
      { name: 'vls_items_per_second', labels, value: itemsPerSecond },
      { name: 'vls_backlog_seconds', labels, value: pending / (itemsPerSecond || assumedSpeed) },
      { name: 'vls_batch_oldest_age_seconds', labels, value: age },
      ...liveStates.map(
        (state): Reading => ({ name: 'vls_batches', labels: { profile, state }, value: states[state] }),
      ),
      { name: 'vls_queue_chunks', labels: { profile, state: 'waiting' }, value: waiting },
      { name: 'vls_queue_chunks', labels: { profile, state: 'active' }, value: active },
      { name: 'vls_queue_chunks', labels: { profile, state: 'failed' }, value: failed },
      { name: 'vls_queue_workers', labels, value: workers },
      { name: 'vls_queue_jobs_total', labels: { profile, result: 'completed' }, value: finished[at]?.completed ?? 0 },
      { name: 'vls_queue_jobs_total', labels: { profile, result: 'failed' }, value: finished[at]?.failed ?? 0 },
    ];
  });
}

const nothing = (): Live => ({
  pending: 0,
  oldestAt: Number.POSITIVE_INFINITY,
  states: { accepting: 0, queued: 0, running: 0 },
});

/** The oldest live batches by profile, scaled up to all of them. */
async function readLive(redis: Redis, profiles: readonly string[]): Promise<Map<string, Live>> {
  const [all, ids] = await Promise.all([
    redis.zcard(liveBatches(redis)),
    redis.zrange(liveBatches(redis), 0, String(maxRead - 1)),
  ]);
  // Not as a pipeline: batches lie in slots of their own.
  const records = await Promise.all(
    ids.map((id) =>
      redis.hmget(batchKeys(redis, id).batch, 'profile', 'state', 'createdAt', 'total', 'succeeded', 'failed'),
    ),
  );
  const found = new Map(profiles.map((profile) => [profile, nothing()]));
  const share = Math.max(1, all / Math.max(1, ids.length));
  for (const [profile, state, createdAt, total, succeeded, failed] of records) {
    const one = found.get(profile ?? '');
    const known = liveStates.find((name) => name === state);
    // Just ended, forgotten, or of a profile that is no more.
    if (one === undefined || known === undefined) continue;
    one.states[known] += share;
    // Of a batch that is still being sent nobody knows how many there are.
    if (known !== 'accepting') one.pending += share * (Number(total) - Number(succeeded) - Number(failed));
    one.oldestAt = Math.min(one.oldestAt, Number(createdAt));
  }
  return found;
}
