import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/**
 * Waits for the end of a child process and the delivery of all its messages. Resolves to a description of its exit,
 * such as "exited with code 1". Never rejects.
 */
export async function endOf(child: ChildProcess): Promise<string> {
  const how = await new Promise<string>((resolve) => {
    child.once('error', (error) => {
      // This event also occurs when a signal or a message could not be sent to a running child process.
      if (child.pid === undefined) resolve(`could not be started (${error.message})`);
    });
    child.once('exit', (code, signal) => {
      resolve(signal === null ? `exited with code ${code}` : `was killed by ${signal}`);
    });
  });
  // The last message, which contains the reason, may arrive after the exit event.
  if (child.connected) await once(child, 'disconnect');
  return how;
}
