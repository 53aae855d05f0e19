import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

/**
 * Builds the page into `web/dist`. What is served stays whole meanwhile: assets carry a hash in their names, `index.html`
 * is replaced when they are there, and only then does what it no longer names go.
 */
const root = dirname(fileURLToPath(import.meta.url));
const dist = join(root, 'dist');

const built = await build({
  root,
  configFile: false,
  logLevel: 'warn',
  // The service may be mounted anywhere; the page asks for its assets relative to itself.
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    write: false,
    // Browsers that know `light-dark()`, since 2024.
    target: ['chrome123', 'firefox120', 'safari17.5'],
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
});
if (!('output' in built)) throw new Error('Vite watches instead of building');

const files = built.output.map((file) => ({
  name: file.fileName,
  content: file.type === 'chunk' ? file.code : file.source,
}));
for (const { name, content } of files.toSorted((a, b) => Number(isEntry(a.name)) - Number(isEntry(b.name)))) {
  const path = join(dist, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.${process.pid}`, content);
  await rename(`${path}.${process.pid}`, path);
}
const kept = new Set(files.map(({ name }) => name));
for (const entry of await readdir(dist, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name);
  if (entry.isFile() && !kept.has(relative(dist, path))) await rm(path, { force: true });
}

function isEntry(name: string): boolean {
  return name === 'index.html';
}
