import { expect, test } from 'vitest';
import { countWords, emptyWords } from '../../../web/batches/explorer/list-words.ts';
import { readQuery } from '../../../web/batches/explorer/query.ts';

const asked = (query: string) => readQuery(new URLSearchParams(query));
const listed = (count: number, isComplete = true) => ({ count, isComplete, failure: undefined });

test.each([
  ['', listed(300), '300 pairs'],
  ['q=cat', listed(52), '52 of 300 pairs'],
  ['q=cat', listed(52, false), '52 or more of 300 pairs'],
  ['distinct=pair', listed(24), '24 groups of 300 pairs'],
  ['distinct=pair', listed(1), '1 group of 300 pairs'],
  ['distinct=pair&q=cat', listed(24), '24 groups'],
  ['distinct=pair&min=30', listed(24, false), '24 or more groups'],
])('a list with the filters "%s" has its number', (query, listing, words) => {
  expect(countWords(listing, 300, asked(query))).toBe(words);
});

test('a list that cannot be loaded has no number', () => {
  const failure = { status: 0 } as unknown as NonNullable<Parameters<typeof countWords>[0]['failure']>;
  expect(countWords({ count: 0, isComplete: false, failure }, 300, asked('q=cat'))).toBe('');
});

test.each([
  ['', 'No results yet.'],
  ['min=30&max=60', 'No pair matches these filters.'],
  ['min=60&max=30', 'No pair can match: the score “from” (60) is above “to” (30).'],
  ['min=60&max=29.9999', 'No pair can match: the score “from” (60) is above “below” (30).'],
])('an empty list with the filters "%s" says why', (query, words) => {
  expect(emptyWords(asked(query))).toBe(words);
});
