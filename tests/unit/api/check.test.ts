import { expect, test } from 'vitest';
import { z } from 'zod';
import { check } from '../../../api/check.ts';
import { batchChange } from '../../../shared/contracts/batch/changes.ts';
import { listQuery } from '../../../shared/contracts/batch/list.ts';
import { batchQuery } from '../../../shared/contracts/batch/post.ts';
import { resultsQuery } from '../../../shared/contracts/batch/results.ts';
import { embeddingsRequest } from '../../../shared/contracts/embeddings.ts';
import { signIn } from '../../../shared/contracts/session.ts';
import { singleRequest } from '../../../shared/contracts/single.ts';
import { maxFaults, ServiceError } from '../../../shared/errors.ts';
import { maxJsonKeys } from '../../../shared/json-shape.ts';

function refusalOf(schema: z.ZodType, value: unknown): ServiceError {
  try {
    check(schema, value, 'body');
  } catch (error) {
    if (error instanceof ServiceError) return error;
    throw error;
  }
  throw new Error('It was let through');
}

/** Returns the characters of the whole answer. */
const sizeOf = ({ message, faults }: ServiceError) => message.length + JSON.stringify(faults).length;

test('thousands of unknown keys are not listed', () => {
  const unknown = Object.fromEntries(Array.from({ length: maxJsonKeys }, (_, at) => [`key-${at}`, 1]));
  expect(sizeOf(refusalOf(signIn, { key: 'k', ...unknown }))).toBeLessThan(2_000);
  expect(sizeOf(refusalOf(singleRequest, { image: unknown, text: 'a' }))).toBeLessThan(2_000);
  expect(sizeOf(refusalOf(singleRequest, { ['k'.repeat(1_000_000)]: 1 }))).toBeLessThan(2_000);
});

test('an answer lists the first of many errors, and their number', () => {
  const error = refusalOf(z.object({ list: z.array(z.string()) }), { list: Array.from({ length: 300 }, () => 1) });
  expect(error.faults).toHaveLength(maxFaults);
  expect(error.message).toMatch(/^300 errors: list\[0\]: /);
});

test.each([
  ['text', singleRequest, { image: 'x' }],
  ['input', embeddingsRequest, {}],
] as const)('a list in %s that is too long is refused before its entries are checked', (name, schema, rest) => {
  const looked: PropertyKey[] = [];
  const list = new Proxy(Array(16_000_000), {
    get: (target, key, receiver) => {
      looked.push(key);
      return Reflect.get(target, key, receiver);
    },
  });
  const error = refusalOf(schema, { ...rest, [name]: list });
  expect(error.message).toMatch(/16000000 entries; at most 1000 are allowed/);
  expect(looked.every((key) => key === 'length')).toBe(true);
});

test.each([
  [
    'a number above its range',
    batchChange,
    { retentionHours: 100_000 },
    'retentionHours: is 100000, where a number from 0.1 to 8760 is expected',
  ],
  ['a number of a query', listQuery, { limit: '500' }, 'limit: is 500, where a whole number from 1 to 200 is expected'],
  ['a word in place of a number', listQuery, { limit: 'many' }, 'limit: is not a whole number from 1 to 200'],
  ['a fraction', resultsQuery, { limit: '1.5' }, 'limit: is 1.5, where a whole number from 1 to 10000 is expected'],
  [
    'a number without an upper bound',
    resultsQuery,
    { skip: '-1' },
    'skip: is -1, where a whole number of 0 or more is expected',
  ],
  [
    'a string in place of a number',
    batchChange,
    { retentionHours: '9' },
    'retentionHours: is a string, where a number from 0.1 to 8760 is expected',
  ],
  ['a long name', batchChange, { name: 'x'.repeat(201) }, 'name: is longer than 200 characters'],
  ['an empty name', batchChange, { name: ' ' }, 'name: is empty'],
  ['many tags', batchChange, { tags: Array(17).fill('a') }, 'tags: has 17 entries; at most 16 are allowed'],
  [
    'a mistyped parameter',
    resultsQuery,
    { minScor: '1' },
    'body: has the unknown field "minScor"; did you mean minScore?',
  ],
  ['an address of another protocol', batchQuery, { webhook: 'ftp://a.test' }, 'webhook: is not an http(s) address'],
  [
    'a quote as the separator',
    batchQuery,
    { delimiter: '"' },
    'delimiter: expected one to four characters without quotes and line breaks, such as ";" or "||"',
  ],
  ['a missing text', singleRequest, { image: 'x' }, 'text: expected a string, or a list of 1 to 1000 strings'],
  ['a missing key', signIn, {}, 'key: is missing'],
] as const)('%s is refused in words for users', (_what, schema, value, message) => {
  expect(refusalOf(schema, value).message).toBe(message);
});

test('a mistyped value of a list is refused with the nearest value', () => {
  expect(refusalOf(listQuery, { state: 'compleeted' }).message).toMatch(
    /^state\[0\]: is not one of accepting, queued, .*cancelled; did you mean completed\?$/,
  );
  expect(refusalOf(resultsQuery, { code: 'image.corupt' }).message).toMatch(
    /^code: is not one of the \d+ allowed values; did you mean image\.corrupt\?$/,
  );
});
