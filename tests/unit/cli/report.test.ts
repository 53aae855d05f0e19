import { describe, expect, test } from 'vitest';
import { formatReport } from '../../../cli/batch/report.ts';
import type { RunResult } from '../../../cli/batch/run.ts';
import { count, emptyTally, type Tally } from '../../../cli/batch/tally.ts';
import { called } from '../../../shared/called.ts';

const unreachable: Tally['failures'] = {
  'image.fetch.timeout': { items: 2, first: { index: 1, message: 'no answer' } },
};

function report(state: string, tally: Partial<Tally>, more: Partial<RunResult> = {}): string {
  return formatReport(
    {
      output: '/here/pairs.scores.csv',
      embeddings: [],
      batchId: 'b1',
      wasDone: false,
      rowsPerSecond: 71.7,
      seconds: 4.2,
      isContinued: false,
      finished: {
        ...{ at: '2026-01-01T00:00:00Z', state, model: 'compact-1', revision: '1', precision: 'fp32' },
        preprocess: '1',
        tally: { ...emptyTally(), ...tally },
      },
      ...more,
    },
    process.stdout,
  );
}

describe('the report', () => {
  test('prints the time in tenths below 10 s, with the rate of the same time', () => {
    expect(report('completed', { succeeded: 301 })).toContain('301 rows, 301 scored, in 4.2 s (72 rows/s)');
    expect(report('completed', { succeeded: 3 }, { seconds: 9.97, rowsPerSecond: 3 / 9.97 })).toContain(
      'in 10 s (0.3 rows/s)',
    );
  });

  test('suggests a retry, and says that it leaves the output unchanged', () => {
    expect(report('completed_with_errors', { succeeded: 1, failed: 2, failures: unreachable })).toContain(
      `\`${called} retry b1\` scores the failed rows again, as a new batch. /here/pairs.scores.csv stays unchanged.`,
    );
  });

  test.each([
    ['failed', { failed: 2 }, 'No row has a score'],
    ['failed', { succeeded: 1, failed: 2 }, 'too many rows failed'],
    ['cancelled', { succeeded: 1, failed: 2 }, 'Run the same command again'],
  ])('suggests no retry where a new run starts over (%s, %o)', (state, counts, advice) => {
    const printed = report(state, { ...counts, failures: unreachable });
    expect(printed).toContain(advice);
    expect(printed).not.toContain(`${called} retry`);
  });

  test('counts the rows with warnings, and quotes the first', () => {
    const tally = emptyTally();
    const scored = { status: 'succeeded', score: 1, cosine: 0.01 } as const;
    count(tally, { index: 0, ...scored });
    for (const index of [1, 2]) count(tally, { index, ...scored, warnings: ['text truncated'] });
    expect(report('completed', tally)).toContain(
      '2 rows have a warning, first index 1: text truncated. See `warnings` in the output.',
    );
    expect(report('completed', { succeeded: 1 })).not.toContain('warning');
  });
});
