import { defineConfig } from 'vitest/config';
import { SlowestFiles } from './tests/support/slowest-files.ts';

/** The Redis under a test that asks for it: one server, or a cluster of three. */
export type Topology = 'server' | 'cluster';
declare module 'vitest' {
  interface ProvidedContext {
    topology: Topology;
  }
}

/**
 * Settings of every process that a test starts and does not set otherwise. One encoder, and no measurement of the
 * micro-batch in the background: the two cost 1.3 s of CPU at each start of a service (2.7 s instead of 1.4 s).
 */
const light = { ENCODERS: '1', MICRO_BATCH: '8' };

const runs = (name: string, order: number, maxWorkers: number, topology: Topology, ...include: string[]) => ({
  extends: true as const,
  test: {
    name,
    include,
    maxWorkers,
    sequence: { groupOrder: order },
    provide: { topology },
    env: order === 0 ? {} : light,
  },
});

export default defineConfig({
  test: {
    projects: [
      // First, so that the first failure shows in seconds. They compute: one process for each of two processors.
      runs('unit', 0, 2, 'server', 'tests/unit/**/*.test.ts', 'bench/tests/*.test.ts'),
      // These start real processes and wait for them most of the time.
      runs('server', 1, 4, 'server', 'tests/{integration,e2e}/**/*.test.ts'),
      // Scripts once more: a cluster refuses those that touch two slots, a single server never does.
      runs(
        'cluster',
        1,
        4,
        'cluster',
        'tests/integration/batches/*.test.ts',
        'tests/integration/service/{access-limits,access-session,outage}.test.ts',
      ),
    ],
    reporters: ['default', new SlowestFiles()],
    testTimeout: 60_000,
    // A second, the default, is short on a machine with other work.
    expect: { poll: { timeout: 50_000 } },
    // A shared CI machine may stall for seconds; a test that needs its second run is marked in the output.
    retry: process.env['CI'] === 'true' ? 1 : 0,
    hookTimeout: 120_000,
    pool: 'forks',
    globalSetup: ['tests/support/prepare.ts'],
  },
});
