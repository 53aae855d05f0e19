import { describe, expect, test } from 'vitest';
import { type Comparison, formatComparison } from '../../../cli/batch/compare.ts';

function words(speedUp: number, cached = 0): string {
  const comparison: Comparison = {
    singles: { rows: 1, failed: 0, seconds: 1, cached },
    batch: { id: 'b1', rows: 1, failed: 0, seconds: 1 / speedUp },
    speedUp,
    largestDifference: null,
  };
  return formatComparison(comparison, process.stdout);
}

describe('the report of --compare', () => {
  test('says how many times as fast the batch was', () => {
    expect(words(2)).toContain('The batch is 2.0 times as fast as single requests.');
    expect(words(1)).toContain('The batch is 1.0 times as fast as single requests.');
  });

  test('calls a slower batch slower, and says when this is expected', () => {
    expect(words(0.8)).toContain(
      'The batch was slower: it took 1.3 times as long per row as single requests.\nThis is expected with few rows',
    );
  });

  test('counts one cached image in the singular', () => {
    expect(words(2, 1)).toContain('1 single request used the cached image');
  });
});
