import { globSync, readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './tests/support/longest-first.ts';
import { RetriedTests } from './tests/support/retried-tests.ts';
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

/** First, so that the first failure shows in seconds. Four at a time on two processors: they wait half of the time. */
const unit = { maxWorkers: 4, sequence: { groupOrder: 0 }, restoreMocks: true, unstubEnvs: true, unstubGlobals: true };
const unitTests = globSync(['tests/unit/**/*.test.ts', 'bench/tests/*.test.ts'], { cwd: import.meta.dirname });
/** A mock of a module only reaches modules that are loaded after it, and the memory of a process is that of all its files. */
const alone = unitTests.filter((file) =>
  /vi\.mock\(|process\.memoryUsage/.test(readFileSync(`${import.meta.dirname}/${file}`, 'utf8')),
);

/** These start processes and wait for them most of the time, so six of them share two processors. */
const integration = { maxWorkers: 6, sequence: { groupOrder: 1 }, env: light };

const runs = (name: string, kind: object, topology: Topology, ...include: string[]) => ({
  extends: true as const,
  test: { ...kind, name, include, provide: { topology } },
});

export default defineConfig({
  test: {
    projects: [
      // These share processes and loaded modules: 50 files take 12 s of CPU instead of 21 s.
      runs(
        'unit',
        { ...unit, isolate: false, exclude: alone },
        'server',
        'tests/unit/**/*.test.ts',
        'bench/tests/*.test.ts',
      ),
      runs('unit-alone', unit, 'server', ...alone),
      runs('server', integration, 'server', 'tests/{integration,e2e}/**/*.test.ts'),
      // Scripts and commands with several keys once more: a cluster refuses those that touch two slots, a single server
      // never does. Those left out are about processes, and run no script that the others do not run.
      runs(
        'cluster',
        integration,
        'cluster',
        'tests/integration/batches/!(columns|poison|stopping|webhooks).test.ts',
        'tests/integration/service/{access-limits,access-session,outage}.test.ts',
      ),
    ],
    reporters: ['default', new SlowestFiles(), new RetriedTests()],
    sequence: { sequencer: LongestFirst },
    // A busy machine takes several times as long as a quiet one. These only matter to a test that fails.
    testTimeout: 180_000,
    expect: { poll: { timeout: 150_000 } },
    // A shared CI machine may stall for seconds; a test that needs its second run is marked in the output.
    retry: process.env['CI'] === 'true' ? 1 : 0,
    hookTimeout: 180_000,
    pool: 'forks',
    globalSetup: ['tests/support/prepare.ts'],
  },
});
