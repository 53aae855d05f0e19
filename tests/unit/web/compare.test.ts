import { expect, test } from 'vitest';
import type { BatchStatus } from '../../../shared/contracts/batch/status.ts';
import { candidatesOf, listQueryOf, namesOf } from '../../../web/batches/compare/query.ts';
import { rankWords } from '../../../web/batches/compare/rank-words.ts';
import { apiQuery, isFiltered, readQuery } from '../../../web/batches/explorer/query.ts';

const batch = (id: string, more: object = {}): BatchStatus =>
  ({ id, name: id, model: 'm', state: 'completed', rescoreOf: null, items: { total: 10 }, ...more }) as BatchStatus;

test('batches with as many items are offered, those of the same origin first', () => {
  const own = batch('own');
  const others = [
    batch('same length'),
    batch('short', { items: { total: 9 } }),
    own,
    batch('child', { rescoreOf: 'own' }),
  ];
  expect(candidatesOf(own, others).map(({ id }) => id)).toEqual(['child', 'same length']);
  const [, , , child] = others;
  expect(candidatesOf(child as BatchStatus, others).map(({ id }) => id)).toEqual(['own', 'same length']);
});

test('two batches are named by their models, or by their own names when the models are the same', () => {
  const titleOf = ({ name }: BatchStatus) => name ?? '';
  expect(namesOf(batch('a'), batch('b', { model: 'n' }), titleOf)).toEqual(['m', 'n']);
  expect(namesOf(batch('a'), batch('b'), titleOf)).toEqual(['a', 'b']);
  expect(namesOf(batch('a'), batch('b', { name: 'a' }), titleOf)).toEqual(['a (this one)', 'a']);
});

test('a side leads to the list of its pairs, and the list asks the service for both limits', () => {
  const asked = readQuery(new URLSearchParams(listQueryOf('onlyThis', 'b', 28, 40.5)));
  expect(isFiltered(asked)).toBe(true);
  expect(apiQuery(asked)).toEqual({ sort: '-score', minScore: '28', other: 'b', otherMaxScore: '40.4999' });
  const neither = apiQuery(readQuery(new URLSearchParams(listQueryOf('neither', 'b', 28, 40.5))));
  expect(neither).toMatchObject({ maxScore: '27.9999', otherMaxScore: '40.4999' });
});

test('duplicates are grouped by the service, and a group is a list of its own', () => {
  const query = (text: string) => apiQuery(readQuery(new URLSearchParams(text)));
  expect(query('distinct=image&sort=-score')).toEqual({ distinct: 'image', sort: '-score' });
  expect(query('samePairAs=0&min=40')).toEqual({ samePairAs: '0', minScore: '40' });
  expect(query('distinct=everything')).toEqual({});
  expect(isFiltered(readQuery(new URLSearchParams('sameImageAs=0')))).toBe(true);
});

test('a rank is shown as the share of better or of lower pairs', () => {
  expect(rankWords(0.97)).toBe('best 3 %');
  expect(rankWords(1)).toBe('best 1 %');
  expect(rankWords(0.12)).toBe('lowest 12 %');
});
