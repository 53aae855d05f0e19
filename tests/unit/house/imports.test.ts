import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Breach, breachesOf, circlesOf } from './breaches.ts';
import { importsOf, importsOfFile } from './imports-of.ts';
import { type House, readHouse } from './rooms.ts';

const git = (...patterns: string[]): string[] =>
  execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...patterns], { encoding: 'utf8' })
    .split('\n')
    .filter((file) => file !== '' && existsSync(file));

const code = git('*.ts', '*.tsx', '*.js', '*.mjs', '*.cjs');
const imports = code.flatMap((file) => importsOfFile(file));
const house = readHouse(readFileSync('CONTRIBUTING.md', 'utf8'));
const sentence = ({ import: { from, line, specifier }, why }: Breach) => `${from}:${line} imports ${specifier}: ${why}`;

describe('the tree', () => {
  test('imports rooms and packages as the table in CONTRIBUTING.md allows', () => {
    expect(breachesOf(imports, house).map(sentence)).toEqual([]);
  });

  test('has no circle of imports, those of types included', () => {
    expect(circlesOf(imports)).toEqual([]);
  });
});

describe('the table', () => {
  test('has a row for every folder with code', () => {
    const folders = new Set(code.filter((file) => file.includes('/')).map((file) => `${file.split('/')[0]}/`));
    expect([...folders].filter((path) => !house.rooms.some((room) => room.path === path))).toEqual([]);
  });

  test('names rooms, folders and files that exist', () => {
    const ordered = house.orders.flatMap(({ path, steps }) => steps.flat().map((name) => path + name));
    const named = [...house.rooms, ...house.orders].map(({ path }) => path).concat(ordered);
    expect(house.orders.length).toBeGreaterThan(0);
    expect(named.filter((path) => !existsSync(path))).toEqual([]);
  });

  test('gives every package an owner, and only one', () => {
    const { dependencies, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as Record<
      'dependencies' | 'devDependencies',
      Record<string, string>
    >;
    // Run as programs or read by the compiler, and never imported.
    const tools = ['@biomejs/biome', 'typescript'];
    const named = [...house.rooms, ...house.shared].flatMap(({ packages }) => packages);
    const owners = (name: string) =>
      named.filter((owned) => owned === name || (owned.endsWith('/*') && name.startsWith(owned.slice(0, -1))));
    const packages = [...Object.keys(dependencies), ...Object.keys(devDependencies)].filter(
      (name) => !name.startsWith('@types/') && !tools.includes(name),
    );
    expect(packages.filter((name) => owners(name).length !== 1)).toEqual([]);
    expect(named.filter((owned) => !packages.some((name) => owners(name).includes(owned)))).toEqual([]);
  });
});

describe('the rules', () => {
  const page = [
    '',
    '| room | what it is | packages it owns | rooms it may import |',
    '| ---- | ---------- | ---------------- | ------------------- |',
    '| `shared/` | contracts | ioredis, @open/\\* | |',
    '| `images/` | bytes | undici | shared |',
    '| `batches/` | the batch | | shared |',
    '| `batches/payloads/` | buckets | @aws-sdk/\\* | |',
    '| `web/` | the page | preact | shared |',
    '| `tests/` | tests | vitest, and those of all rooms | shared, images |',
    '| `tests/unit/` | | | web |',
    '| all but `web/` | | zod | |',
    '',
    'batches/: record.ts <- intake, reading <- engine.ts',
    '',
  ].join('\n');
  const rules: House = readHouse(page);
  const why = (from: string, text: string) => breachesOf(importsOf(from, text), rules).map((breach) => breach.why);

  test.each([
    ['an import', "import { a } from '../images/a.ts';"],
    ['an import type', "import type { A } from '../images/a.ts';"],
    ['an import for its effect', "import '../images/a.ts';"],
    ['an export from', "export { a } from '../images/a.ts';"],
    ['an export type from', "export type { A } from '../images/a.ts';"],
    ['an export all', "export * from '../images/a.ts';"],
    ['a dynamic import', "const a = await import('../images/a.ts');"],
    ['an import of a type in place', "let a: import('../images/a.ts').A | undefined;"],
    ['a type of a module in place', "let a: typeof import('../images/a.ts');"],
    ['a require', "const a = require('../images/a.ts');"],
    ['an import with an attribute', "import a from '../images/a.json' with { type: 'json' };"],
  ])('hold for %s', (_kind, text) => {
    expect(why('shared/x.ts', text)).toEqual(['shared/ may import no other room']);
    expect(why('images/x.ts', text)).toEqual([]);
  });

  test('name the owner of a package', () => {
    expect(why('images/x.ts', "import 'ioredis/built';")).toEqual(['ioredis belongs to shared/']);
    expect(why('images/x.ts', "import '@open/api';")).toEqual(['@open/api belongs to shared/']);
    expect(why('images/x.ts', "import 'left-pad';")).toEqual(['left-pad belongs to no room']);
    expect(why('images/x.ts', "import 'undici'; import { z } from 'zod'; import 'node:fs';")).toEqual([]);
    expect(why('web/x.tsx', "import { z } from 'zod'; const a = <p>it's</p>;")).toEqual(['zod is not for web/']);
    expect(why('tests/x.ts', "import 'undici'; import '@aws-sdk/a';")).toEqual([]);
  });

  test('give a room inside a room what its rows add', () => {
    expect(why('batches/x.ts', "import '@aws-sdk/a';")).toEqual(['@aws-sdk/a belongs to batches/payloads/']);
    expect(why('batches/payloads/x.ts', "import '@aws-sdk/a'; import '../y.ts'; import '../../shared/z.ts';")).toEqual(
      [],
    );
    expect(why('tests/x.ts', "import '../web/a.ts';")).toEqual(['tests/ may import shared/, images/']);
    expect(why('tests/unit/x.ts', "import '../../web/a.ts';")).toEqual([]);
  });

  test('hold the order inside a room', () => {
    const order = 'the order in batches/ is record.ts <- intake, reading <- engine.ts';
    expect(why('batches/record.ts', "import './engine.ts';")).toEqual([order]);
    expect(why('batches/intake/x.ts', "import '../engine.ts';")).toEqual([order]);
    expect(why('batches/intake/x.ts', "import '../reading/y.ts';")).toEqual([order]);
    expect(why('batches/intake/x.ts', "import './y.ts'; import '../record.ts'; import '../free.ts';")).toEqual([]);
    expect(why('batches/engine.ts', "import './intake/y.ts'; import './record.ts';")).toEqual([]);
  });

  test('find circles of every length, of types too', () => {
    const tree = {
      'a/a.ts': "import type { B } from './b.ts';",
      'a/b.ts': "export type { C } from './c.ts'; import './d.ts';",
      'a/c.ts': "let a: import('./a.ts').A;",
      'a/d.ts': "import './e.ts';",
      'a/e.ts': "import './d.ts';",
      'a/f.ts': "import './a.ts';",
    };
    const all = Object.entries(tree).flatMap(([file, text]) => importsOf(file, text));
    expect(circlesOf(all).toSorted()).toEqual([
      ['a/a.ts', 'a/b.ts', 'a/c.ts'],
      ['a/d.ts', 'a/e.ts'],
    ]);
  });

  test('refuse a row that imports a room without a row', () => {
    expect(() => readHouse(page.replace('| undici | shared |', '| undici | shard |'))).toThrow(
      'images/ may import shard/, no such room',
    );
  });
});
