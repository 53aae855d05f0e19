import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { packedName, referencesOf, withoutTypes, withPackedNames } from './strip.ts';

export interface PackedFile {
  /** The path in the repository. */
  from: string;
  /** The path in the package. */
  to: string;
  content: Buffer;
}

/** The scripts that users and the service start by path. They import all other code of the package. */
const entries = ['cli/vls.js', 'api/main.ts', 'worker/main.ts', 'start/main.ts'];

/** Files that no script names by `new URL`: the model of `models/models.json`, and files that the licences require. */
const data = ['models/compact', 'LICENSE', 'NOTICE'];

/** Files of the model's folder that only its build needs. */
const notRun = /(^|\/)(build\.py|requirements\.txt|__pycache__|\..+)$/;

/**
 * Returns the files of the npm package: the entry scripts, and every file that they import or name, directly or
 * indirectly.
 * @throws {Error} when a named file is missing.
 */
export function contentsOf(root: string): PackedFile[] {
  const found = new Map<string, PackedFile>();

  function addScript(path: string): void {
    const text = readFileSync(join(root, path), 'utf8');
    const script = path.endsWith('.ts') ? withoutTypes(text) : text;
    found.set(path, { from: path, to: packedName(path), content: Buffer.from(withPackedNames(script)) });
    for (const reference of referencesOf(script)) add(join(dirname(path), reference), path);
  }

  function add(given: string, namedBy: string): void {
    const path = relative(root, resolve(root, given)).replaceAll(sep, '/');
    if (found.has(path) || path === 'package.json' || path === '') return;
    const file = join(root, path);
    if (!existsSync(file)) throw new Error(`${namedBy} names ${path}, which is missing`);
    if (statSync(file).isDirectory()) {
      for (const name of readdirSync(file)) if (!notRun.test(name)) add(join(path, name), namedBy);
      return;
    }
    if (/\.[jt]s$/.test(path) && !path.startsWith('web/dist/')) {
      addScript(path);
      return;
    }
    const content = readFileSync(file);
    found.set(path, { from: path, to: path, content });
    if (!path.endsWith('.lua')) return;
    for (const [, piece] of content.toString().matchAll(/^--@include (\S+)$/gm)) {
      add(join(dirname(path), `${piece}.lua`), path);
    }
  }

  for (const path of [...entries, ...data]) add(path, 'the list of entries');
  return [...found.values()].toSorted((a, b) => (a.to < b.to ? -1 : 1));
}
