import fc from 'fast-check';
import { expect, test } from 'vitest';
import { maxJsonDepth, maxJsonKeys, shapeFaultOf } from '../../../shared/json-shape.ts';

const depthOf = (value: unknown): number =>
  typeof value !== 'object' || value === null ? 0 : 1 + Math.max(0, ...Object.values(value).map(depthOf));

test('excessive depth is found in the text as in the value', () => {
  const value = fc.letrec<{ node: unknown }>((tie) => ({
    node: fc.oneof(
      { depthSize: 'max', maxDepth: 90 },
      fc.string({ unit: 'binary' }),
      fc.constantFrom('"', '\\', '\\"[', '[{'),
      fc.array(tie('node'), { minLength: 1, maxLength: 2 }),
      fc.dictionary(fc.string(), tie('node'), { minKeys: 1, maxKeys: 2 }),
    ),
  })).node;
  const wrapped = fc.tuple(value, fc.nat(80)).map(([inner, levels]) => {
    let outer: unknown = inner;
    for (let level = 0; level < levels; level++) outer = level % 2 ? [outer] : { a: 1, b: outer };
    return outer;
  });
  fc.assert(
    fc.property(wrapped, (one) => {
      expect(shapeFaultOf(JSON.stringify(one))).toBe(depthOf(one) > maxJsonDepth ? 'too_deep' : undefined);
    }),
  );
});

test.each([
  ['[', 'too_deep'],
  ['{"a":', 'too_deep'],
  ['[]', undefined],
  [']', undefined],
])('%s, repeated: %s', (text, expected) => {
  expect(shapeFaultOf(text.repeat(1_000))).toBe(expected);
});

const objectOf = (keys: number, value: unknown = 1) =>
  Object.fromEntries(Array.from({ length: keys }, (_, at) => [`:${at}`, value]));

test('an object with more keys than may be is found wherever it stands, and others are not', () => {
  const widest = objectOf(maxJsonKeys, [{ ':': 1 }]);
  const tooWide = objectOf(maxJsonKeys + 1);
  expect(shapeFaultOf(JSON.stringify(widest))).toBe(undefined);
  expect(shapeFaultOf(JSON.stringify([widest, widest]))).toBe(undefined);
  expect(shapeFaultOf(JSON.stringify(tooWide))).toBe('too_wide');
  expect(shapeFaultOf(JSON.stringify({ items: [{ metadata: tooWide }] }))).toBe('too_wide');
});
