import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { birthOf } from './process-birth.ts';

/** Notes which process does a job, so that the next start can find it should this one die. */
export function writePidFile(path: string, pid: number): void {
  try {
    writeFileSync(path, `${pid} ${birthOf(pid) ?? ''}\n`, { mode: 0o600 });
  } catch {
    // A full disk. The process runs already and is worth more than the note.
  }
}

/** The noted process if that very process is still alive, never one that only inherited its id. */
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
