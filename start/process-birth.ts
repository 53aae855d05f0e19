import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { childEnvironment } from '../shared/child-environment.js';

const GONE_CHECK_MS = 50;

/**
 * Returns the start time of a process, or undefined if it has ended or is a zombie. Process ids are reused, but id and
 * start time identify one process.
 */
export function birthOf(pid: number): string | undefined {
  return process.platform === 'linux' ? birthFromProc(pid) : birthFromPs(pid);
}

/** Resolves when a process has ended. It polls, since Node reports only the end of child processes. */
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
  // proc_pid_stat(5): the second field, the command, may contain spaces and parentheses. The state is the third field,
  // the start time the 22nd.
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
