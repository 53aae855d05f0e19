import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

/**
 * Builds the page into `web/dist`. The previous page works during the build: assets have a hash in their name,
 * `index.html` is replaced after them, and unused files are removed last.
 */
const root = dirname(fileURLToPath(import.meta.url));
const dist = join(root, 'dist');

const built = await build({
  root,
  configFile: false,
  logLevel: 'warn',
  // The service may be mounted at any path, so the page loads its assets by relative URLs.
  base: './',
  // By default, a build with NODE_ENV=test has the paths of the source files, and is 20 % larger.
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact', development: false } },
  build: {
    write: false,
    // The first versions of these browsers with `light-dark()`.
    target: ['chrome123', 'firefox120', 'safari17.5'],
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    // hyparquet-compressors does not declare that its modules have no side effects. Without this option, the bundle
    // would contain its WebAssembly decompressors, which the content security policy forbids.
    rolldownOptions: { treeshake: { moduleSideEffects: (id) => !id.includes('hyparquet-compressors') } },
  },
});
if (!('output' in built)) throw new Error('Vite started a watch instead of a build');

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
