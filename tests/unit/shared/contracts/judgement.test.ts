import { describe, expect, test } from 'vitest';
import { maxSampled, sampleLabels, sampleStart } from '../../../../shared/contracts/batch/judgement.ts';

const many = (count: number) => Array.from({ length: count }, (_, index) => index);

describe('a sample to judge', () => {
  test.each([
    ['one pair without edges', { edges: [], indexes: [0] }],
    ['as many pairs as allowed', { edges: [0, 24.5], indexes: many(maxSampled) }],
    ['that must be the first', { edges: [], indexes: [3, 1], replaces: null }],
    ['that replaces another', { edges: [], indexes: [3, 1], replaces: 'a-sample' }],
  ])('may be %s', (_what, start) => {
    expect(sampleStart.parse(start)).toEqual(start);
  });

  test.each([
    ['without pairs', { edges: [], indexes: [] }, ['indexes']],
    ['with one pair too many', { edges: [], indexes: many(maxSampled + 1) }, ['indexes']],
    ['with a pair twice', { edges: [], indexes: [1, 2, 1] }, ['indexes']],
    ['with a negative index', { edges: [], indexes: [-1] }, ['indexes', 0]],
    ['with half an index', { edges: [], indexes: [1.5] }, ['indexes', 0]],
    ['with a negative edge', { edges: [-1], indexes: [1] }, ['edges', 0]],
    ['without edges', { indexes: [1] }, ['edges']],
  ])('%s is refused at that field', (_what, start, path) => {
    expect(sampleStart.safeParse(start).error?.issues[0]?.path).toEqual(path);
  });
});

describe('labels', () => {
  test('are right, wrong, or removed', () => {
    const labels = [
      { index: 0, label: 'right' },
      { index: 1, label: 'wrong' },
      { index: 2, label: null },
    ];
    expect(sampleLabels.parse({ sample: 'a', labels })).toEqual({ sample: 'a', labels });
  });

  test.each([
    ['without their sample', { labels: [{ index: 0, label: 'right' }] }, ['sample']],
    ['without a label', { sample: 'a', labels: [] }, ['labels']],
    ['in other words', { sample: 'a', labels: [{ index: 0, label: 'good' }] }, ['labels', 0, 'label']],
  ])('%s are refused at that field', (_what, labels, path) => {
    expect(sampleLabels.safeParse(labels).error?.issues[0]?.path).toEqual(path);
  });
});
