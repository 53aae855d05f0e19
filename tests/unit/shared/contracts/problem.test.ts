import { expect, test } from 'vitest';
import { problem } from '../../../../shared/contracts/problem.ts';
import { codeNames } from '../../../../shared/errors.ts';

const found = {
  type: '/docs#image.corrupt',
  title: 'The image is damaged',
  status: 422,
  code: 'image.corrupt',
  detail: 'The image ends in the middle',
  requestId: 'r1',
};

test('a problem carries one of the codes and may place its faults', () => {
  expect(problem.parse(found)).toEqual(found);
  const errors = [{ path: 'items[3].image', message: 'is missing' }];
  expect(problem.parse({ ...found, errors })).toEqual({ ...found, errors });
});

test('every code of the service may stand in a problem', () => {
  for (const code of codeNames) expect(problem.safeParse({ ...found, code }).success, code).toBe(true);
});

test.each(['type', 'title', 'status', 'code', 'detail', 'requestId'])('a problem without %s is none', (field) => {
  expect(problem.safeParse({ ...found, [field]: undefined }).success).toBe(false);
});

test('a problem with an unknown code is not valid', () => {
  expect(problem.safeParse({ ...found, code: 'image.ugly' }).success).toBe(false);
});
