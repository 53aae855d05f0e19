import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { type Kind, kindOf, kinds } from './spdx.ts';

/**
 * Checks the licences of all packages in the lock file, for all platforms. A licence not known to be compatible fails,
 * unless this list accepts it.
 * Run it with `npm run licences`.
 */
const accepted: readonly { name: RegExp; kind: Kind; reason: string }[] = [
  {
    name: /^@img\/sharp-/,
    kind: 'weak',
    reason: 'libvips (LGPL) is a shared library that can be replaced; it is not changed, and linked dynamically',
  },
  { name: /^lightningcss/, kind: 'weak', reason: 'builds the page, unchanged; not shipped' },
  {
    name: /^(busboy|streamsearch|humanize-number)$/,
    kind: 'unknown',
    reason: 'MIT by their licence text, which the manifest does not state; part of the S3 server of the tests',
  },
  { name: /^axe-core$/, kind: 'weak', reason: 'tests the page, unchanged; not shipped' },
];

const root = new URL('../', import.meta.url);
const read = (path: string): unknown => JSON.parse(readFileSync(new URL(path, root), 'utf8'));
const manifest = z.object({ license: z.string().optional(), version: z.string().optional() });
const lock = z.object({
  packages: z.record(z.string(), manifest.extend({ dev: z.boolean().optional(), link: z.boolean().optional() })),
});

/** Returns the licence in an installed manifest, for packages whose licence the lock file lacks. */
function licenceInstalled(path: string): string | undefined {
  try {
    return manifest.parse(read(`${path}/package.json`)).license;
  } catch {
    return undefined;
  }
}

const rows = Object.entries(lock.parse(read('package-lock.json')).packages)
  .filter(([path, { link }]) => path !== '' && !link)
  .map(([path, { version, license, dev }]) => {
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const licence = license ?? licenceInstalled(path) ?? '(none named)';
    const kind = kindOf(licence);
    const exception = accepted.find((one) => one.kind === kind && one.name.test(name));
    const isAccepted = kind === 'permissive' || exception !== undefined;
    return { name, version: version ?? '', licence, kind, dev: dev === true, reason: exception?.reason, isAccepted };
  })
  .sort((a, b) => a.licence.localeCompare(b.licence) || a.name.localeCompare(b.name));

for (const { name, version, licence, dev } of rows) {
  process.stdout.write(`${licence.padEnd(32)} ${name}@${version}${dev ? ' (development)' : ''}\n`);
}
const counts = kinds.map((kind) => `${rows.filter((row) => row.kind === kind).length} ${kind}`);
process.stdout.write(`\n${rows.length} packages: ${counts.join(', ')}\n`);
for (const reason of new Set(rows.map((row) => row.reason).filter((one) => one !== undefined))) {
  const names = rows.filter((row) => row.reason === reason).map(({ name }) => name);
  process.stdout.write(`accepted: ${names.length} such as ${names[0]}: ${reason}\n`);
}
const refused = rows.filter((row) => !row.isAccepted);
for (const { name, version, licence, kind } of refused) {
  process.stderr.write(`refused: ${name}@${version}: ${licence} (${kind}); replace it, or accept it with a reason\n`);
}
process.exitCode = refused.length > 0 ? 1 : 0;
