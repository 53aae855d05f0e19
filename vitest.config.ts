import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './tests/support/longest-first.ts';
import { RetriedTests } from './tests/support/retried-tests.ts';
import { SlowestFiles } from './tests/support/slowest-files.ts';

/** The Redis that a test gets: one server, or a cluster of three. */
export type Topology = 'server' | 'cluster';
declare module 'vitest' {
  interface ProvidedContext {
    topology: Topology;
  }
}

/**
 * Defaults for every process that a test starts: one encoder and no measurement of the micro-batch, which saves 1.3 s of
 * CPU time for each service, and the compiled code of earlier processes, which saves 0.8 of the remaining 2 s.
 */
const light = {
  ENCODERS: '1',
  MICRO_BATCH: '8',
  NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules', '.cache', 'compile'),
};

/**
 * Unit tests run first, to report failures within seconds. They wait half of the time, so four files share two
 * processors.
 */
const unit = { maxWorkers: 4, sequence: { groupOrder: 0 }, restoreMocks: true, unstubEnvs: true, unstubGlobals: true };
const unitTests = globSync(['tests/unit/**/*.test.ts', 'bench/tests/*.test.ts'], { cwd: import.meta.dirname });
/**
 * Files that need their own process: a mock reaches only modules loaded after it, and the memory of a process includes
 * all its files.
 */
const alone = unitTests.filter((file) =>
  /vi\.mock\(|process\.memoryUsage/.test(readFileSync(`${import.meta.dirname}/${file}`, 'utf8')),
);

/**
 * Integration tests mostly wait for processes, so six files share two processors. They load the same modules, so they
 * share processes: 5 files of `batches` then take 2.8 s of CPU time instead of 6.4 s.
 */
const integration = { maxWorkers: 6, sequence: { groupOrder: 1 }, env: light, isolate: false };

const runs = (name: string, kind: object, topology: Topology, ...include: string[]) => ({
  extends: true as const,
  test: { ...kind, name, include, provide: { topology } },
});

export default defineConfig({
  test: {
    projects: [
      // Sharing processes and modules cuts the CPU time of 50 files from 21 to 12 s.
      runs(
        'unit',
        { ...unit, isolate: false, exclude: alone },
        'server',
        'tests/unit/**/*.test.ts',
        'bench/tests/*.test.ts',
      ),
      runs('unit-alone', unit, 'server', ...alone),
      runs('server', integration, 'server', 'tests/{integration,e2e}/**/*.test.ts'),
      // A cluster refuses commands whose keys are in two hash slots; a single server does not. The patterns leave out
      // tests about processes, whose scripts other files run too.
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
    // A busy machine takes several times as long as a quiet one. Long limits delay only failing tests.
    testTimeout: 180_000,
    expect: { poll: { timeout: 150_000 } },
    // A shared CI machine may stall for seconds. The output marks a test that needed its second run.
    retry: process.env['CI'] === 'true' ? 1 : 0,
    hookTimeout: 180_000,
    pool: 'forks',
    globalSetup: ['tests/support/prepare.ts'],
  },
});
