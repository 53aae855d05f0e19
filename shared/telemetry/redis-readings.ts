import type { Metrics } from '../metrics.ts';
import { isWhole } from '../redis/cluster.ts';
import { type RedisFault, redisFaults } from '../redis/fault.ts';
import { fullestOf, infoField, infoNumber } from '../redis/info.ts';
import { mastersOf } from '../redis/masters.ts';
import type { RedisWatch } from '../redis/watch.ts';
import type { Redis } from '../redis.ts';
import type { Reading } from './readings.ts';

/**
 * Returns the connection state and fault of Redis without sending a command. A cluster is connected only if every
 * server is.
 */
export const readRedisState = (redis: Redis, watch: RedisWatch): Reading[] => [
  { name: 'vls_redis_up', labels: {}, value: isWhole(redis) ? 1 : 0 },
  ...(Object.keys(redisFaults) as RedisFault[]).map(
    (fault): Reading => ({ name: 'vls_redis_fault', labels: { fault }, value: watch.fault() === fault ? 1 : 0 }),
  ),
];

/**
 * Returns the metrics that Redis reports about itself; none while it is unavailable. A cluster reports sums of counts,
 * and other values of its worst server, so that the same alerts work.
 */
async function readRedis(redis: Redis): Promise<Reading[]> {
  if (!isWhole(redis)) return [];
  const start = performance.now();
  const infos = await Promise.all(mastersOf(redis).map((master) => master.info()));
  const seconds = (performance.now() - start) / 1000;
  const sum = (name: string) => infos.reduce((all, info) => all + infoNumber(info, name), 0);
  const memory = fullestOf(infos);
  const isWritten = infos.every((info) => infoField(info, 'aof_last_write_status') === 'ok');
  return [
    { name: 'vls_redis_roundtrip_seconds', labels: {}, value: seconds },
    { name: 'vls_redis_memory_used_bytes', labels: {}, value: memory.used },
    { name: 'vls_redis_memory_max_bytes', labels: {}, value: memory.limit },
    { name: 'vls_redis_clients', labels: {}, value: sum('connected_clients') },
    { name: 'vls_redis_commands_total', labels: {}, value: sum('total_commands_processed') },
    { name: 'vls_redis_evicted_keys_total', labels: {}, value: sum('evicted_keys') },
    { name: 'vls_redis_aof_ok', labels: {}, value: isWritten ? 1 : 0 },
  ];
}

/** Adds the metrics of Redis, which is asked at most every five seconds. */
export function observeRedis(metrics: Metrics, redis: Redis, watch: RedisWatch): void {
  metrics.onScrape({ read: () => readRedisState(redis, watch) });
  metrics.onScrape({ read: () => readRedis(redis), freshMs: 5_000 });
}
