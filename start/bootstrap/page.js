import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from '../../shared/child-environment.js';
import { runChild } from './child.js';
import { nodeOf } from './launch.js';

/** The entry scripts that serve, pack or test the page. */
const servers = new Set(['start/main.ts', 'api/main.ts', 'tests/run.ts', 'supply-chain/package/main.ts']);

/**
 * Builds the page for an entry script that serves it, unless `web/dist` has the stamp of its sources. A failed build is
 * only reported: the API works without the page.
 */
export async function ensurePageFor(entry, args, root, stops) {
  const path = relative(root, resolve(entry)).replaceAll('\\', '/');
  const isStart = path === 'cli/main.ts' && args.includes('start');
  const fault = isStart || servers.has(path) ? await ensurePage(root, stops) : undefined;
  if (fault !== undefined && stops.asked === undefined) console.error(couldNot(fault));
}

/** Builds the page if needed. @returns the reason why `web/dist` is out of date, or undefined. */
async function ensurePage(root, stops) {
  const web = join(root, 'web');
  if (!existsSync(join(web, 'build.ts'))) return undefined;
  const stampFile = join(web, 'dist', '.built-from');
  const stamp = stampOf(root);
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return undefined;
  const fault = await build(root, stops);
  if (fault === undefined) writeFileSync(stampFile, stamp);
  return fault;
}

const couldNot = (fault) => `The page at /evaluator/ could not be built: ${fault}`;

/**
 * Returns a hash of the page's sources, since a checkout changes file times. It includes the lock file with the
 * versions of the build tools.
 */
function stampOf(root) {
  const hash = createHash('sha256');
  const files = readdirSync(join(root, 'web'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((path) => !path.startsWith(join(root, 'web', 'dist')))
    .sort();
  const others = [
    ['shared', 'errors.ts'],
    ['shared', 'exact-json.ts'],
    ['shared', 'formats.ts'],
    ['formats', 'parquet', 'first-rows.ts'],
    ['formats', 'tar', 'place.ts'],
    ['examples', 'photos', 'chelsea.jpg'],
    ['package-lock.json'],
  ];
  for (const path of [...files, ...others.map((parts) => join(root, ...parts))]) {
    if (!existsSync(path)) continue;
    hash.update(`${path.slice(root.length)}\0`).update(readFileSync(path));
  }
  return `${hash.digest('hex')}\n`;
}

/** Builds the page in a separate process, whose memory is freed afterwards. @returns the output of a failed build. */
async function build(root, stops) {
  const options = { env: childEnvironment('pageBuild') };
  const { output, failure } = await runChild(nodeOf(root), [join(root, 'web', 'build.ts')], options, stops);
  return failure === undefined ? undefined : output.trim() || failure;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = dirname(dirname(dirname(process.argv[1])));
  const fault = await ensurePage(root, { asked: undefined, onStop: () => {} });
  if (fault !== undefined) {
    console.error(couldNot(fault));
    process.exitCode = 1;
  }
}
