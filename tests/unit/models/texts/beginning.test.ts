import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { beginningsOf, boundMarks } from '../../../../models/texts/beginning.ts';
import { loadTokenizer, type Tokenizer } from '../../../../models/texts/tokenizer.ts';
import { compactFolder, specOf, tinyClipFolder } from '../../../../testing/model-folders.ts';

async function load(folder: string, maxTokens: number) {
  const spec = await specOf(folder);
  return await loadTokenizer({ ...spec, text: { ...spec.text, maxTokens } });
}

const context = 8;

/** Texts of up to some thousand characters, of which the first 256 are looked at first. */
const parts = [
  ...'aAbzé漢é😀Σ１1!\'"-_ \n\t<>;#&',
  ' a photo of a cat ',
  'Donaudampfschifffahrtsgesellschaft',
  '&amp;amp;lt;',
  '&#128512;',
  '&NotEqualTilde;',
  '\u0301',
  '\x1b[31m',
  '\x1b[1;2;3',
  'ﬁ',
  '<b>',
];
const text = fc
  .array(fc.tuple(fc.constantFrom(...parts), fc.nat(60)), { minLength: 1, maxLength: 8 })
  .map((pieces) => pieces.map(([part, times]) => part.repeat(times + 1)).join(''));

describe.each([
  ['CLIP', tinyClipFolder],
  ['compact', compactFolder],
])('the tokenizer of %s', (_name, folder) => {
  let cutting: Tokenizer;
  let whole: Tokenizer;
  beforeAll(async () => {
    // The second looks at all of the text, since it keeps all of its tokens.
    [cutting, whole] = await Promise.all([load(folder, context), load(folder, 100_000)]);
  });

  test('makes of the beginning of a text what it would make of the whole text', () => {
    fc.assert(
      fc.property(text, (one) => {
        const { ids } = whole.encode(one);
        const expected = ids.length > context ? [...ids.slice(0, context - 1), ids.at(-1)] : ids;
        expect(cutting.encode(one).ids).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  test.each([
    ['words', 'a cat '.repeat(20_000)],
    ['one word', 'abcdefgh'.repeat(20_000)],
    ['digits', '1'.repeat(100_000)],
    ['emoji', '😀'.repeat(50_000)],
  ])('looks at no more of a long text than it needs: %s', (_what, long) => {
    expect(cutting.encode(long).total).toBeLessThan(long.length / 10);
  });
});

test('a text is cut before white space, or inside a word that is too long for that', () => {
  expect([...beginningsOf('a cat', 100)]).toEqual([5]);
  expect([...beginningsOf(`${'a'.repeat(90)} ${'b'.repeat(400)}`, 100)]).toEqual([90, 399, 491]);
});

test('a run of combining marks is as long as any script needs, and not longer', () => {
  expect(boundMarks(`e\u0301\u0323 ${'\u0301'.repeat(256)}`)).toBe(`e\u0301\u0323 ${'\u0301'.repeat(256)}`);
  expect(boundMarks(`e${'\u0301\u0323'.repeat(10_000)}x`)).toHaveLength(258);
});
