import { expect, test } from 'vitest';
import { packedName, referencesOf, withoutTypes, withPackedNames } from '../../../supply-chain/package/strip.ts';

/** The base of addresses of files, in pieces: a test looks for the files that the tree names by it. */
const base = ['import', 'meta', 'url'].join('.');

const typescript = `import type { A } from './a.ts';
import { type B, b } from '../b.ts';
import data from './data.json' with { type: 'json' };
export { c } from './c.ts';
import './d.ts';
const later = () => import('./e.ts');
const script = new URL('./f.ts', ${base});
const lua = new URL(
  './g.lua',
  ${base},
);
const address = new URL('./h.ts', base);
const names: string[] = ['./i.ts'];
`;

test('a script refers to what it imports as a value, and to files that it names by their URL', () => {
  const script = withoutTypes(typescript);
  expect(referencesOf(script)).toEqual(['../b.ts', './data.json', './c.ts', './d.ts', './e.ts', './f.ts', './g.lua']);
});

test('the packed script names the packed files, and each statement keeps its line', () => {
  const lines = withPackedNames(withoutTypes(typescript)).split('\n');
  expect(lines.length).toBe(typescript.split('\n').length);
  expect(lines[0]?.trim()).toBe('');
  expect(lines[1]).toMatch(/^import { +b } from '\.\.\/b\.js';$/);
  expect(lines.slice(2, 7)).toEqual([
    "import data from './data.json' with { type: 'json' };",
    "export { c } from './c.js';",
    "import './d.js';",
    "const later = () => import('./e.js');",
    `const script = new URL('./f.js', ${base});`,
  ]);
  expect(lines[11]).toBe("const address = new URL('./h.ts', base);");
  expect(lines[12]).toContain("['./i.ts']");
});

test('only the names of TypeScript files change', () => {
  expect(['main.ts', 'x.lua', 'vls.js', 'ts'].map(packedName)).toEqual(['main.js', 'x.lua', 'vls.js', 'ts']);
});
