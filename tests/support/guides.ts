import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A block of shell commands in a guide. */
export interface Block {
  line: number;
  commands: string;
  /** Why the tests do not run it. */
  excuse: string | undefined;
}

/** Every page for readers. */
export const guides: string[] = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync(`${root}docs`, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name.replaceAll('\\', '/')}`),
];

export const readGuide = (name: string): string => readFileSync(root + name, 'utf8');

/** The `sh` blocks of a guide, each with the excuse that stands above it or at the top of the page. */
export function blocksOf(guide: string): Block[] {
  const page = /^<!-- the tests do not run this page: ([^\n]+) -->$/m.exec(guide)?.[1];
  const fences = /(?:^ *<!-- not run by the tests: ([^\n]+) -->\n)?^( *)```(?:sh|bash|shell|console)\n(.*?)^\2```$/gms;
  return [...guide.matchAll(fences)].map(({ 1: excuse, 3: commands = '', index }) => ({
    line: guide.slice(0, index).split('\n').length,
    commands,
    excuse: excuse ?? page,
  }));
}
