import { globSync, readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './tests/support/longest-first.ts';
import { RetriedTests } from './tests/support/retried-tests.ts';
import { SlowestFiles } from './tests/support/slowest-files.ts';

/** The kind of Redis that a test gets: one server, or a cluster of three servers. */
export type Topology = 'server' | 'cluster';
declare module 'vitest' {
  interface ProvidedContext {
    topology: Topology;
  }
}

/**
 * Environment variables of every process that a test starts, unless the test sets them. The process has one encoder and
 * does not measure the micro-batch in the background. Otherwise each start of a service would take 1.3 s of CPU time
 * more (2.7 s instead of 1.4 s).
 */
const light = { ENCODERS: '1', MICRO_BATCH: '8' };

/**
 * Unit tests run first, so that the first failure is reported within seconds. Four files run at a time on two
 * processors, because they wait for half of the time.
 */
const unit = { maxWorkers: 4, sequence: { groupOrder: 0 }, restoreMocks: true, unstubEnvs: true, unstubGlobals: true };
const unitTests = globSync(['tests/unit/**/*.test.ts', 'bench/tests/*.test.ts'], { cwd: import.meta.dirname });
/**
 * Test files that run in processes of their own: a mock of a module reaches only modules that are loaded after it, and
 * the memory of a process includes that of all files in it.
 */
const alone = unitTests.filter((file) =>
  /vi\.mock\(|process\.memoryUsage/.test(readFileSync(`${import.meta.dirname}/${file}`, 'utf8')),
);

/**
 * Integration tests start processes and wait for them most of the time, so six files run at a time on two processors.
 */
const integration = { maxWorkers: 6, sequence: { groupOrder: 1 }, env: light };

const runs = (name: string, kind: object, topology: Topology, ...include: string[]) => ({
  extends: true as const,
  test: { ...kind, name, include, provide: { topology } },
});

export default defineConfig({
  test: {
    projects: [
      // Unit tests share processes and loaded modules: 50 files then take 12 s of CPU time instead of 21 s.
      runs(
        'unit',
        { ...unit, isolate: false, exclude: alone },
        'server',
        'tests/unit/**/*.test.ts',
        'bench/tests/*.test.ts',
      ),
      runs('unit-alone', unit, 'server', ...alone),
      runs('server', integration, 'server', 'tests/{integration,e2e}/**/*.test.ts'),
      // Tests of Redis scripts, and of commands with several keys, also run with a cluster. A cluster refuses commands
      // whose keys are in two hash slots; a single server never does. The patterns leave out files with tests about
      // processes, whose scripts other files run too.
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
    // The time limits are long, because a busy machine takes several times as long as a quiet one. They only delay
    // tests that fail.
    testTimeout: 180_000,
    expect: { poll: { timeout: 150_000 } },
    // A shared CI machine may stall for seconds, so a failed test runs a second time. The output marks a test that
    // needed its second run.
    retry: process.env['CI'] === 'true' ? 1 : 0,
    hookTimeout: 180_000,
    pool: 'forks',
    globalSetup: ['tests/support/prepare.ts'],
  },
});
