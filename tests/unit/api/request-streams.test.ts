import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));
/** The files whose code reads request bodies. */
const files = globSync(['api/**/*.ts', 'batches/intake/*.ts', 'formats/**/*.ts', 'shared/http-server.ts'], {
  cwd: root,
});

/** Returns the streams of a source that are read or piped without a listener for their errors. */
function withoutErrorPath(name: string, source: string): string[] {
  const read = [...source.matchAll(/([\w.]+)\.(?:on|once)\(\s*'(?:data|readable)'/g)].map(([, stream]) => stream);
  // `z.string().pipe(…)` is a schema, and begins no name.
  const piped = [...source.matchAll(/(?<![\w.)])(?!(?:json|list)\b)([\w.]+)\.pipe\(\s*([\w.]+)/g)].flatMap(
    ([, from, to]) => [from, to],
  );
  const streams = new Set([...read, ...piped].filter((stream) => stream !== undefined));
  return [...streams]
    .filter((stream) => !source.includes(`${stream}.on('error'`))
    .map((stream) => `${name}: ${stream}`);
}

test('each stream of a request that is read or piped has a listener for its errors', () => {
  expect(files.length).toBeGreaterThan(40);
  expect(files.flatMap((file) => withoutErrorPath(file, readFileSync(root + file, 'utf8')))).toEqual([]);
});

test('a file of a form without a listener for its errors is found', () => {
  const source = "busboy.on('file', (name, file) => { file.on('data', take); });\nrequest.pipe(busboy);";
  expect(withoutErrorPath('form.ts', source)).toEqual(['form.ts: file', 'form.ts: request', 'form.ts: busboy']);
});
