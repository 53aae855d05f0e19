import { stripTypeScriptTypes } from 'node:module';

/** Matches `from './x'`, `import './x'`, `import('./x')`, and a relative `new URL` of `import.meta.url`, as Biome formats them. */
const references = /(\bfrom |\bimport |\bimport\(\s*|\bnew URL\(\s*(?='[^']*',\s*import\.meta\.url))'(\.[^'\n]*)'/g;

/**
 * Returns the JavaScript of a TypeScript file. Types are replaced by blanks, as Node does, so each statement keeps its
 * line and column.
 */
export const withoutTypes = (typescript: string): string => stripTypeScriptTypes(typescript);

/** Returns the relative paths that a script without types imports or names by `new URL(…, import.meta.url)`. */
export const referencesOf = (script: string): string[] =>
  [...script.matchAll(references)].map(([, , path = '']) => path);

/** Returns the script with changed references: they use the names that the files have in the package. */
export const withPackedNames = (script: string): string =>
  script.replaceAll(references, (_whole, how: string, path: string) => `${how}'${packedName(path)}'`);

/**
 * Returns the name that a file has in the package. The name must not end in `.ts`, because Node strips no types in
 * files below `node_modules`.
 */
export const packedName = (path: string): string => path.replace(/\.ts$/, '.js');
