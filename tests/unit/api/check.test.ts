import { expect, test } from 'vitest';
import { z } from 'zod';
import { check } from '../../../api/check.ts';
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
