import { expect, test } from 'vitest';
import { pairsOf, scoreRequest } from '../../../../shared/contracts/score.ts';

const read = (request: object) => pairsOf(scoreRequest.parse(request));
const text = (text: string) => ({ text });
const url = 'https://example.org/a.jpg';
const imagePart = { type: 'image_url', image_url: { url } };

test.each<[what: string, request: object, left: object[], right: object[]]>([
  ['one to one', { text_1: 'a', text_2: 'b' }, [text('a')], [text('b')]],
  ['one to many', { queries: 'a', documents: ['b', 'c'] }, [text('a'), text('a')], [text('b'), text('c')]],
  ['many to many', { data_1: ['a', 'b'], data_2: ['c', 'd'] }, [text('a'), text('b')], [text('c'), text('d')]],
  [
    'parts of a side',
    { queries: 'a', items: { content: [imagePart, { type: 'text', text: 'b' }] } },
    [text('a'), text('a')],
    [{ image: url }, text('b')],
  ],
  [
    'parts in a list',
    { queries: [{ image: url }], documents: [{ content: [imagePart] }, imagePart] },
    [{ image: url }, { image: url }],
    [{ image: url }, { image: url }],
  ],
])('%s', (_what, request, left, right) => {
  expect(read(request)).toEqual({ left, right });
});

test.each<[what: string, request: object, message: RegExp]>([
  ['no side', {}, /exactly two sides/],
  ['one side', { queries: 'a' }, /exactly two sides/],
  ['sides of two forms', { queries: 'a', text_2: 'b' }, /exactly two sides/],
  ['three sides', { queries: 'a', documents: 'b', text_1: 'c' }, /exactly two sides/],
  ['many to one', { text_1: ['a', 'b'], text_2: 'c' }, /2 and 1 inputs cannot be paired/],
  ['two to three', { text_1: ['a', 'b'], text_2: ['c', 'd', 'e'] }, /1:1, 1:N or N:N/],
  ['several parts in a list', { text_1: 'a', text_2: [{ content: [imagePart, imagePart] }] }, /exactly one part/],
])('%s cannot be paired', (_what, request, message) => {
  expect(read(request)).toMatchObject({ message: expect.stringMatching(message) });
});
