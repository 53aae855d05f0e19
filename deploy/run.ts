import { fileURLToPath } from 'node:url';
import { parts } from '../start/parts.ts';

/**
 * The entry point of the container image: `node deploy/run.ts api|worker|combined`, or `vls …` for the command line.
 */
const roles: Record<string, () => Promise<unknown>> = {
  ...parts,
  combined: () => import('../start/main.ts'),
  vls: () => {
    // Messages then name commands that work in the container: `node cli/vls.js …`.
    process.env['VLS_SCRIPT'] = fileURLToPath(new URL('../cli/vls.js', import.meta.url));
    return import('../cli/main.ts');
  },
};

const [role = ''] = process.argv.splice(2, 1);
const run = roles[role];
if (run === undefined) {
  process.stderr.write(`${role || 'No command'}: use one of the commands ${Object.keys(roles).join(', ')}\n`);
  process.exitCode = 2;
} else await run();
