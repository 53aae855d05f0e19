import { expect, test } from 'vitest';
import { probabilitiesOf } from '../../../web/try/probabilities.ts';

test('captions have the softmax over all of them, where the model gives no probability of a pair', () => {
  const [first, second] = probabilitiesOf([{ cosine: 0.3 }, { cosine: 0.29 }], 100);
  expect(first).toMatchObject({ of: 'captions', value: expect.closeTo(0.731, 3) });
  expect(second).toMatchObject({ of: 'captions', value: expect.closeTo(0.269, 3) });
  expect(probabilitiesOf([{ cosine: 0.3 }], 100)).toEqual([undefined]);
});

test('captions have the probabilities of their pairs, where the model gives them, also a single one', () => {
  const pairs = [
    { cosine: 0.3, probability: 0.9 },
    { cosine: 0.29, probability: 0.8 },
  ];
  expect(probabilitiesOf(pairs, 100).map((share) => share?.value)).toEqual([0.9, 0.8]);
  expect(probabilitiesOf(pairs.slice(0, 1), 100)).toEqual([{ of: 'pair', value: 0.9 }]);
});
