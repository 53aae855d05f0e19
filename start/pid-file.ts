import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { birthOf } from './process-birth.ts';

/** Writes a process id to a file, by which the next start finds that process if this one crashes. */
export function writePidFile(path: string, pid: number): void {
  try {
    writeFileSync(path, `${pid} ${birthOf(pid) ?? ''}\n`, { mode: 0o600 });
  } catch {
    // The disk may be full. The file is needed only after a crash.
  }
}

/**
 * Returns the process id in the file if that process is still alive. A later process with the same id does not count.
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
