import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files that take longest, the longest first. A run with several processes ends soonest when these do not begin last.
 * Vitest knows the times only of runs on the same checkout; a clean clone has none. A run prints its ten slowest.
 */
export const longest: readonly string[] = [
  'integration/reference/interrupted.test.ts',
  'integration/documentation/commands.test.ts',
  'integration/deploy/image.test.ts',
  'integration/scripts/package-scripts.test.ts',
  'integration/cli/batch.test.ts',
  'integration/supply-chain/package.test.ts',
  'integration/service/outage.test.ts',
  'e2e/page.test.ts',
  'integration/reference/kept-parquet.test.ts',
  'integration/service/traffic.test.ts',
  'integration/operations/rolling-restart.test.ts',
  'integration/models/fast-and-accurate.test.ts',
  'integration/cli/commands.test.ts',
  'integration/service/cluster.test.ts',
  'integration/reference/away.test.ts',
  'integration/scaling/simulation.test.ts',
  'e2e/page-looks.test.ts',
  'e2e/page-choosing.test.ts',
];

/** Keeps the order of the projects' groups; within a group, the long files come first. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const groupOf = ({ project }: TestSpecification) => project.config.sequence.groupOrder;
    return sorted.sort((a, b) => groupOf(a) - groupOf(b) || rankOf(a) - rankOf(b));
  }
}

function rankOf({ moduleId }: TestSpecification): number {
  const rank = longest.findIndex((file) => moduleId.endsWith(`/tests/${file}`));
  return rank < 0 ? longest.length : rank;
}
