import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = new URL('../../../', import.meta.url).pathname;

const sources = readdirSync(join(root, 'web'), { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.tsx?$/.test(path))
  .map((path) => readFileSync(join(root, 'web', path), 'utf8'));

test('the names of controls in docs/page.md are those of the page', () => {
  const page = readFileSync(join(root, 'docs/page.md'), 'utf8');
  const names = [...page.matchAll(/(?<!\*)\*([^*\n]+)\*(?!\*)/g)].map(([, name = '']) => name);
  expect(names.length).toBeGreaterThan(10);
  // The ellipsis is a number or a name.
  const isShown = (name: string) => sources.some((text) => name.split('…').every((part) => text.includes(part)));
  expect(names.filter((name) => !isShown(name))).toEqual([]);
});
