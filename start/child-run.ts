import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/**
 * Waits until a child process has ended and all its messages are delivered. Resolves to a description of its exit, such
 * as "exited with code 1". Never rejects.
 */
export async function endOf(child: ChildProcess): Promise<string> {
  const how = await new Promise<string>((resolve) => {
    child.once('error', (error) => {
      // This event also occurs when a running child could not receive a signal or a message. The child was never
      // started only if it has no process id.
      if (child.pid === undefined) resolve(`could not be started (${error.message})`);
    });
    child.once('exit', (code, signal) => {
      resolve(signal === null ? `exited with code ${code}` : `was killed by ${signal}`);
    });
  });
  // The last message of the child contains the reason of its end. It may arrive after the exit event.
  if (child.connected) await once(child, 'disconnect');
  return how;
}
