import { stripTypeScriptTypes } from 'node:module';

/**
 * Matches `from './x'`, `import './x'`, `import('./x')`, and a relative `new URL` of `import.meta.url`, as Biome
 * formats them.
 */
const references = /(\bfrom |\bimport |\bimport\(\s*|\bnew URL\(\s*(?='[^']*',\s*import\.meta\.url))'(\.[^'\n]*)'/g;

/** Returns the JavaScript of a TypeScript file. Types become blanks, as in Node, so lines and columns stay. */
export const withoutTypes = (typescript: string): string => stripTypeScriptTypes(typescript);

/** Returns the relative paths that a script imports or names by `new URL(…, import.meta.url)`. */
export const referencesOf = (script: string): string[] =>
  [...script.matchAll(references)].map(([, , path = '']) => path);

/** Returns the script with the files' names in the package. */
export const withPackedNames = (script: string): string =>
  script.replaceAll(references, (_whole, how: string, path: string) => `${how}'${packedName(path)}'`);

/** Returns a file's name in the package. Node strips no types below `node_modules`, so it must not end in `.ts`. */
export const packedName = (path: string): string => path.replace(/\.ts$/, '.js');
