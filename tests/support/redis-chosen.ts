import { inject } from 'vitest';
import { startCluster } from '../../testing/redis/cluster.ts';
import { startRedis, type TestRedis } from '../../testing/redis/single.ts';

/** A Redis of a test's own, a server or a whole cluster as the run has it (vitest.config.ts). */
export type ChosenRedis = Pick<TestRedis, 'url' | 'kill' | 'start' | 'remove'>;

export const startChosenRedis = (): Promise<ChosenRedis> =>
  inject('topology') === 'cluster' ? startCluster() : startRedis();
