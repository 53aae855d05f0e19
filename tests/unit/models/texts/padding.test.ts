import { describe, expect, test } from 'vitest';
import type { TextRecipe } from '../../../../models/model.ts';
import { paddedLength, padIds } from '../../../../models/texts/padding.ts';

const texts = [
  [7, 1, 9],
  [7, 9],
];
type Pads = Pick<TextRecipe, 'pad' | 'mask' | 'maxTokens'>;
const toLongest: Pads = { pad: { id: 0, to: 0 }, mask: true, maxTokens: 77 };
const ofTraining: Pads = { pad: { id: 5, to: 4 }, mask: false, maxTokens: 4 };

describe('texts of a run', () => {
  test('are padded with the id of their family, and masked', () => {
    expect(padIds(texts, toLongest, 4)).toEqual({
      ...{ ids: [7, 1, 9, 0, 7, 9, 0, 0], mask: [1, 1, 1, 0, 1, 1, 0, 0], shape: [2, 4] },
    });
  });

  test('are padded with their end token where that is the recipe, and not masked where nothing is', () => {
    const { ids, mask } = padIds(texts, { pad: 'end', mask: false }, 4);
    expect({ ids, mask }).toEqual({ ids: [7, 1, 9, 9, 7, 9, 9, 9], mask: new Array(8).fill(1) });
  });

  test('are never cut: a longer one is refused, since it would lose its end token', () => {
    expect(() => padIds(texts, toLongest, 2)).toThrow('3 tokens');
    expect(() => padIds([[1, 2, 3, 4, 5]], ofTraining, 4)).toThrow('5 tokens');
  });
});

describe('the length of a run', () => {
  test('is that of the graph, of the training, or of the longest text', () => {
    expect(paddedLength(texts, toLongest, { fixed: 77 })).toBe(77);
    expect(paddedLength(texts, ofTraining)).toBe(4);
    expect(paddedLength(texts, toLongest)).toBe(3);
  });

  test('is the next step on CUDA, or the whole context', () => {
    expect(paddedLength(texts, toLongest, { steps: [2, 8] })).toBe(8);
    expect(paddedLength(texts, toLongest, { steps: [2] })).toBe(77);
  });

  test('is that of the training on CUDA too, where the tower reads its padding', () => {
    expect(paddedLength(texts, ofTraining, { steps: [2, 8] })).toBe(4);
  });
});
