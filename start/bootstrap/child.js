import { spawn } from 'node:child_process';

/**
 * Runs a program until it ends. A stop request ends it.
 * @returns its output, and the reason of a failure (undefined after success).
 */
export async function runChild(command, args, options, stops) {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  stops.onStop = () => child.kill('SIGTERM');
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (bytes) => {
      output += bytes;
    });
  const failure = await new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(code === 0 ? undefined : (signal ?? `exit code ${code}`)));
  });
  stops.onStop = () => {};
  return { output, failure };
}
