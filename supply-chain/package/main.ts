import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { contentsOf } from './contents.ts';
import { packedManifest } from './manifest.ts';

/**
 * Writes the npm package of the service, as JavaScript, to `dist/package` or the folder in the first argument. `npm
 * pack ./dist/package` makes the archive.
 * Run it with `npm run build:package`.
 */
const root = fileURLToPath(new URL('../../', import.meta.url));
const staged = resolve(process.argv[2] ?? join(root, 'dist', 'package'));

const read = (path: string) => readFileSync(join(root, path), 'utf8');
const write = (path: string, content: string | Buffer) => {
  const file = join(staged, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
};

rmSync(staged, { recursive: true, force: true });
const files = contentsOf(root);
for (const { to, content } of files) write(to, content);
chmodSync(join(staged, 'cli', 'vls.js'), 0o755);

const manifest = packedManifest(read('package.json'), read('package-lock.json'));
write('package.json', `${JSON.stringify(manifest, null, 2)}\n`);
write('README.md', read('supply-chain/package/README.md'));

const megabytes = files.reduce((sum, { content }) => sum + content.length, 0) / 1_000_000;
process.stdout.write(`${staged}: ${files.length} files, ${megabytes.toFixed(1)} MB\n`);
