import type { Metrics } from '../metrics.ts';
import type { Redis } from '../redis.ts';
import type { Reading } from './readings.ts';

/** Whether Redis answers, without asking it. */
export const readRedisState = (redis: Redis): Reading[] => [
  { name: 'vls_redis_up', labels: {}, value: redis.status === 'ready' ? 1 : 0 },
];

/** What Redis says of itself; nothing while it is away. */
async function readRedis(redis: Redis): Promise<Reading[]> {
  if (redis.status !== 'ready') return [];
  const start = performance.now();
  const info = await redis.info();
  const seconds = (performance.now() - start) / 1000;
  const field = (name: string) => new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1];
  const number = (name: string) => Number(field(name) ?? 0);
  return [
    { name: 'vls_redis_roundtrip_seconds', labels: {}, value: seconds },
    { name: 'vls_redis_memory_used_bytes', labels: {}, value: number('used_memory') },
    { name: 'vls_redis_memory_max_bytes', labels: {}, value: number('maxmemory') || number('total_system_memory') },
    { name: 'vls_redis_clients', labels: {}, value: number('connected_clients') },
    { name: 'vls_redis_commands_total', labels: {}, value: number('total_commands_processed') },
    { name: 'vls_redis_evicted_keys_total', labels: {}, value: number('evicted_keys') },
    { name: 'vls_redis_aof_ok', labels: {}, value: field('aof_last_write_status') === 'ok' ? 1 : 0 },
  ];
}

/** For the process that tells of Redis for all: one look serves everybody who scrapes within five seconds. */
export function observeRedis(metrics: Metrics, redis: Redis): void {
  metrics.onScrape({ read: () => readRedisState(redis) });
  metrics.onScrape({ read: () => readRedis(redis), freshMs: 5_000 });
}
