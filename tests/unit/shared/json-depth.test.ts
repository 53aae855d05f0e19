import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isTooDeep, maxJsonDepth } from '../../../shared/json-depth.ts';

const depthOf = (value: unknown): number =>
  typeof value !== 'object' || value === null ? 0 : 1 + Math.max(0, ...Object.values(value).map(depthOf));

test('what is too deep is told from the text as from the value', () => {
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
      expect(isTooDeep(JSON.stringify(one))).toBe(depthOf(one) > maxJsonDepth);
    }),
  );
});

test.each([
  ['[', true],
  ['{"a":', true],
  ['[]', false],
])('%s, repeated: %s', (text, expected) => {
  expect(isTooDeep(text.repeat(1_000))).toBe(expected);
});
