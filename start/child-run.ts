import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/**
 * Waits until a child process has ended and its messages are delivered. Returns a phrase such as "exited with code 1".
 * Never rejects.
 */
export async function endOf(child: ChildProcess): Promise<string> {
  const how = await new Promise<string>((resolve) => {
    child.once('error', (error) => {
      // A failed signal or message to a running child also emits this event. Only a child that was never started has no
      // process id.
      if (child.pid === undefined) resolve(`could not be started (${error.message})`);
    });
    child.once('exit', (code, signal) => {
      resolve(signal === null ? `exited with code ${code}` : `was killed by ${signal}`);
    });
  });
  // The last message, with the reason of the child's end, may arrive after the exit event.
  if (child.connected) await once(child, 'disconnect');
  return how;
}
