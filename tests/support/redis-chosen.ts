import { inject } from 'vitest';
import { startRedis, type TestRedis } from './redis.ts';
import { startCluster } from './redis-cluster.ts';

/** A Redis of a test's own, a server or a whole cluster as the run has it (vitest.config.ts). */
export type ChosenRedis = Pick<TestRedis, 'url' | 'kill' | 'start' | 'remove'>;

export const startChosenRedis = (): Promise<ChosenRedis> =>
  inject('topology') === 'cluster' ? startCluster() : startRedis();
