import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findRedisServer } from '../start/redis/find.ts';
import { installCommandForPeople, installRedis } from '../start/redis/install.ts';
import { installChromium } from '../testing/chromium.ts';

/**
 * `npm test`: format and house rules, types, then every test. Arguments go to vitest: `npm test -- tests/unit`.
 */
const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name: string, file: string) => join(dirname(require.resolve(`${name}/package.json`)), file);

/** Independent of each other, so they run at the same time: 20 s instead of 30 s on two processors. */
const checks: [what: string, command: string[]][] = [
  ['format and lint', [bin('@biomejs/biome', 'bin/biome'), 'check', '--error-on-warnings', '.']],
  ['types', [bin('typescript', 'bin/tsc'), '--noEmit']],
  ['types of the page', [bin('typescript', 'bin/tsc'), '--noEmit', '-p', 'web']],
];

const running = new Set<ChildProcess>();
process.on('SIGTERM', () => {
  for (const child of running) child.kill('SIGTERM');
  process.exit(143);
});

/** @returns the exit code, and the output if it is not that of this process. */
async function run(command: string[], stdio: 'inherit' | 'pipe'): Promise<{ code: number; output: string }> {
  const child = spawn(process.execPath, command, { cwd: root, stdio: ['inherit', stdio, stdio] });
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes: Buffer) => (output += bytes));
  const [code] = (await once(child, 'close')) as [number | null];
  running.delete(child);
  return { code: code ?? 1, output };
}

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

process.stdout.write(`\n— ${checks.map(([what]) => what).join(', ')}\n`);
const codes = await Promise.all(
  checks.map(async ([what, command]) => {
    const { code, output } = await run(command, 'pipe');
    process.stdout.write(output || `No errors in ${what}.\n`);
    return code;
  }),
);
const failed = codes.find((code) => code !== 0);
if (failed !== undefined) process.exit(failed);

process.stdout.write('\n— tests\n');
const { code } = await run([bin('vitest', 'vitest.mjs'), 'run', ...asked], 'inherit');
process.exit(code);
