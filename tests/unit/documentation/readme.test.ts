import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

test('README has at most 150 lines, so that a new user reads it to the end', () => {
  expect(readFileSync('README.md', 'utf8').trimEnd().split('\n').length).toBeLessThanOrEqual(150);
});
