import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { birthOf } from './process-birth.ts';

/**
 * Writes the id of a process to a file. If this process crashes, the next start finds the other process by that file.
 */
export function writePidFile(path: string, pid: number): void {
  try {
    writeFileSync(path, `${pid} ${birthOf(pid) ?? ''}\n`, { mode: 0o600 });
  } catch {
    // The disk may be full. This error is ignored: the process is already running, and the file is needed only after a
    // crash.
  }
}

/**
 * Returns the id of the process that the file names, if that process is still alive. A process that was started later
 * and has the same id is never returned.
 */
export function readPidFile(path: string): number | undefined {
  let line: string;
  try {
    line = readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
  const [id = '', ...birth] = line.split(' ');
  const pid = Number(id);
  if (!Number.isInteger(pid) || pid < 1) return undefined;
  return birthOf(pid) === birth.join(' ') ? pid : undefined;
}

export function removePidFile(path: string): void {
  rmSync(path, { force: true });
}
