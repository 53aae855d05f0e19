import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { childEnvironment } from '../shared/child-environment.js';

const GONE_CHECK_MS = 50;

/**
 * Returns the start time of a process, in the notation of the operating system. Returns undefined if the process has
 * ended or is a zombie. Process ids are reused, but an id and a start time together identify one process. A signal to
 * that process therefore never reaches another one.
 */
export function birthOf(pid: number): string | undefined {
  return process.platform === 'linux' ? birthFromProc(pid) : birthFromPs(pid);
}

/**
 * Resolves when a process has ended. It polls, because Node reports the end of a process only if the process is a
 * child.
 */
export async function untilGone(pid: number): Promise<void> {
  const birth = birthOf(pid);
  while (birth !== undefined && birthOf(pid) === birth) await delay(GONE_CHECK_MS);
}

function birthFromProc(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // See proc_pid_stat(5): the second field is the command, which may contain spaces and parentheses. The third field is
  // the state, and the 22nd is the start time.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

function birthFromPs(pid: number): string | undefined {
  const { status, stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
    encoding: 'utf8',
    env: childEnvironment('tool'),
  });
  const birth = status === 0 ? stdout.trim() : '';
  return birth === '' ? undefined : birth;
}
