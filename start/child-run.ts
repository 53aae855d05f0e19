import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** Resolves when the child has ended and all its messages have been delivered, to how it ended. Never rejects. */
export async function endOf(child: ChildProcess): Promise<string> {
  const how = await new Promise<string>((resolve) => {
    child.once('error', (error) => {
      // Also emitted when a signal or a message could not be sent to a child that runs.
      if (child.pid === undefined) resolve(`could not be started (${error.message})`);
    });
    child.once('exit', (code, signal) => {
      resolve(signal === null ? `exited with code ${code}` : `was killed by ${signal}`);
    });
  });
  // Its last message, the one that says why, may still be on the way when the exit is known.
  if (child.connected) await once(child, 'disconnect');
  return how;
}
