import { expect, test } from 'vitest';
import { driftOf } from '../../../../models/quantization/drift.ts';
import { saturates } from '../../../../models/quantization/saturation.ts';

test('drift is the mean and maximum difference, the correlation of ranks, and the share of pairs that change sides', () => {
  const drift = driftOf([0.1, 0.2, 0.3, 0.4], [0.1, 0.26, 0.24, 0.4]);
  expect(drift.pairs).toBe(4);
  expect(drift.mean).toBeCloseTo(0.03);
  expect(drift.largest).toBeCloseTo(0.06);
  // Two neighbours are exchanged: 1 - 6 * 2 / (4 * 15).
  expect(drift.rankCorrelation).toBeCloseTo(0.8);
  expect(drift.threshold).toBeCloseTo(0.25);
  expect(drift.changedSides).toBe(0.5);
  expect(driftOf([0.1, 0.2], [0.1, 0.2], 0.15)).toMatchObject({ largest: 0, rankCorrelation: 1, changedSides: 0 });
  expect(driftOf([0.1, 0.1, 0.3], [0.1, 0.1, 0.2], 0.25)).toMatchObject({ rankCorrelation: 1, changedSides: 1 / 3 });
});

test('drift needs the same pairs on both sides', () => {
  expect(() => driftOf([], [])).toThrow('two lists of the same pairs');
  expect(() => driftOf([1], [1, 2])).toThrow('two lists of the same pairs');
});

test.each([
  ['x64', 'fpu avx2 avx512f avx512bw', true],
  ['x64', undefined, true],
  ['x64', 'fpu avx512f avx512_vnni', false],
  ['x64', 'fpu avx2 avx_vnni', false],
  ['arm64', undefined, false],
])('products of uint8 and int8 saturate on %s with the flags %s: %s', (architecture, flags, expected) => {
  // An undefined argument would mean the flags of this machine.
  expect(saturates(architecture, flags ?? '')).toBe(expected);
});
