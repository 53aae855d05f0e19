import { expect, test } from 'vitest';
import { targetOf } from '../../../api/access/sign-in-page.ts';

test.each([
  ['/evaluator/', '/evaluator/'],
  ['/evaluator/docs/?a=b', '/evaluator/docs/?a=b'],
  ['/evaluator/queues/queue/x', '/evaluator/queues/queue/x'],
  ['/evaluator/./docs', '/evaluator/docs'],
])('%s leads to %s', (next, target) => {
  expect(targetOf(next)).toBe(target);
});

test.each([
  undefined,
  7,
  '',
  '/',
  'docs',
  '//evil.example',
  'https://evil.example/evaluator/',
  '/evaluator/../admin',
  '/evaluator/..//evil.example',
  '/evaluator/%2e%2e/admin',
  '/evaluator/..\\..\\\\evil.example',
])('%s leads home', (next) => {
  expect(targetOf(next)).toBe('/evaluator/');
});
