import { defineConfig } from 'vitest/config';

/** What a test that asks for it has under it: one Redis server, or a cluster of three. */
export type Topology = 'server' | 'cluster';
declare module 'vitest' {
  interface ProvidedContext {
    topology: Topology;
  }
}

const runs = (topology: Topology, ...include: string[]) => ({
  extends: true as const,
  test: { name: topology, include, provide: { topology } },
});

export default defineConfig({
  test: {
    projects: [
      runs('server', 'tests/**/*.test.ts', 'bench/tests/*.test.ts'),
      // What asks Redis once more: a cluster refuses what touches two slots, a single server never does.
      runs(
        'cluster',
        'tests/integration/batches/*.test.ts',
        'tests/integration/service/{access-limits,access-session,outage}.test.ts',
      ),
    ],
    // Integration tests start real processes; two cores carry two files at a time.
    maxWorkers: 2,
    testTimeout: 60_000,
    // A second, the default, is short on a machine with other work.
    expect: { poll: { timeout: 50_000 } },
    // A shared CI machine may stall for seconds; a test that needs its second run is marked in the output.
    retry: process.env['CI'] === 'true' ? 1 : 0,
    hookTimeout: 120_000,
    pool: 'forks',
    globalSetup: ['tests/support/require-redis.ts'],
  },
});
