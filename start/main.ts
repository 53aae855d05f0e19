import { fileURLToPath } from 'node:url';
import { ConfigError, readConfig } from '../shared/config.ts';
import { runEverything } from './run-everything.ts';
import { StartError } from './start-error.ts';

process.title = 'vls-start';
// A closed output pipe (`npm start | head`) must not end the service.
process.stdout.on('error', () => {});

// Without an explicit exit, a connection that waits for its timeout would keep the process alive.
process.exit(await main());

async function main(): Promise<number> {
  try {
    return await runEverything({
      config: readConfig(),
      service: fileURLToPath(new URL('./service.ts', import.meta.url)),
      // npm runs scripts in the package's directory. INIT_CWD is the user's directory.
      cwd: process.env['INIT_CWD'] ?? process.cwd(),
      say: (line) => process.stdout.write(`${line}\n`),
      complain,
    });
  } catch (error) {
    complain(error);
    return 1;
  }
}

function complain(error: unknown): void {
  console.error(error instanceof StartError || error instanceof ConfigError ? error.message : error);
}
