import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { longest } from '../../support/longest-first.ts';

test('every file that is run first is there', () => {
  const absent = longest.filter((file) => !existsSync(new URL(`../../${file}`, import.meta.url)));
  expect(absent).toEqual([]);
});
