import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const source = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const colours = (text: string) =>
  Object.fromEntries(
    [...text.matchAll(/^\s*(--[\w-]+): (light-dark\(#.*\));$/gm)].map(([, name, value]) => [name, value]),
  );

test('the sign-in page has the colours of the page', () => {
  const own = colours(source('api/access/sign-in-page.ts'));
  expect(Object.keys(own).length).toBeGreaterThan(8);
  expect(colours(source('web/styles/theme.css'))).toMatchObject(own);
});
