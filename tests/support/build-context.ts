import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

interface Pattern {
  glob: string;
  keeps: boolean;
}

/** Copies what a `docker build` of `root` would see: everything but what its `.dockerignore` leaves out. */
export function copyBuildContext(root: string, into: string): void {
  const patterns = parseDockerignore(readFileSync(join(root, '.dockerignore'), 'utf8'));
  for (const entry of readdirSync(root)) {
    cpSync(join(root, entry), join(into, entry), {
      recursive: true,
      filter: (source) => {
        const path = relative(root, source);
        return isInContext(path, patterns) || patterns.some(({ glob, keeps }) => keeps && glob.startsWith(`${path}/`));
      },
    });
  }
}

export const parseDockerignore = (text: string): Pattern[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ glob: line.replace(/^!/, ''), keeps: line.startsWith('!') }));

/** The last pattern that matches the path, or a directory above it, decides. */
export function isInContext(path: string, patterns: readonly Pattern[]): boolean {
  const parts = path.split('/');
  const ancestors = parts.map((_, index) => parts.slice(0, index + 1).join('/'));
  const last = patterns.findLast(({ glob }) => ancestors.some((ancestor) => expressionOf(glob).test(ancestor)));
  return last?.keeps ?? true;
}

/** As Docker reads patterns: unlike a shell's, its `*` takes names that begin with a dot. */
function expressionOf(glob: string): RegExp {
  const source = glob.replace(/\*\*\/|\*\*|[*?.+^$(){}|[\]\\]/g, (part) => {
    if (part === '**/') return '(?:.*/)?';
    if (part === '**') return '.*';
    if (part === '*') return '[^/]*';
    return part === '?' ? '[^/]' : `\\${part}`;
  });
  return new RegExp(`^${source}$`);
}
