import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findRedisServer } from '../start/redis/find.ts';
import { installCommandForPeople, installRedis } from '../start/redis/install.ts';
import { installChromium } from './support/chromium.ts';

/**
 * `npm test`: format and house rules, types, then every test. Arguments go to vitest: `npm test -- tests/unit`.
 */
const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name: string, file: string) => join(dirname(require.resolve(`${name}/package.json`)), file);

const steps: [what: string, command: string[]][] = [
  ['format and lint', [bin('@biomejs/biome', 'bin/biome'), 'check', '--error-on-warnings', '.']],
  ['types', [bin('typescript', 'bin/tsc'), '--noEmit']],
  ['types of the page', [bin('typescript', 'bin/tsc'), '--noEmit', '-p', 'web']],
  ['tests', [bin('vitest', 'vitest.mjs'), 'run', ...process.argv.slice(2)]],
];

let running: ChildProcess | undefined;
process.on('SIGTERM', () => {
  running?.kill('SIGTERM');
  process.exit(143);
});

const redis = findRedisServer() ?? (await installRedis((line) => process.stdout.write(`${line}\n`)));
if (typeof redis !== 'string' && 'failed' in redis) {
  const command = installCommandForPeople() ?? 'your package manager';
  process.stderr.write(`The tests need redis-server, and ${redis.failed}. Install it with: ${command}\n`);
  process.exit(1);
}

const asked = process.argv.slice(2);
if (asked.length === 0 || asked.some((argument) => argument.includes('e2e'))) {
  const reason = await installChromium((line) => process.stdout.write(`${line}\n`));
  if (reason !== undefined)
    process.stdout.write(`The tests of the page will be skipped, for want of Chromium: ${reason}.\n`);
}

for (const [what, command] of steps) {
  process.stdout.write(`\n— ${what}\n`);
  running = spawn(process.execPath, command, { cwd: root, stdio: 'inherit' });
  const [code] = (await once(running, 'exit')) as [number | null];
  if (code !== 0) process.exit(code ?? 1);
}
