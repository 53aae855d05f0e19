import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Overlay, overlays, preflight } from './checks.ts';

/**
 * `npm run deploy:preflight -- OVERLAY` checks that the cluster of kubectl's current context meets the needs of an
 * overlay.
 */
const overlay = process.argv[2] as Overlay;
if (!overlays.includes(overlay)) {
  process.stderr.write(`npm run deploy:preflight -- ${overlays.join('|')}\n`);
  process.exit(2);
}
const run = promisify(execFile);
const findings = await preflight(async (...args) => (await run('kubectl', args)).stdout, overlay);
for (const { name, fault } of findings) {
  process.stdout.write(
    `${fault === undefined ? 'ok     ' : 'MISSING'} ${name}${fault === undefined ? '' : `: ${fault}`}\n`,
  );
}
process.exitCode = findings.some(({ fault }) => fault !== undefined) ? 1 : 0;
