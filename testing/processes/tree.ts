import { spawnSync } from 'node:child_process';

interface Listed {
  pid: number;
  parent: number;
  /** Command line, or the title the process gave itself. */
  args: string;
}

function processes(): Listed[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' });
  return stdout.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line);
    // A zombie has ended; only its parent has not asked yet.
    if (match === null || match[3]?.startsWith('Z')) return [];
    return [{ pid: Number(match[1]), parent: Number(match[2]), args: match[4] ?? '' }];
  });
}

/** Pids of a process's children, by what they call themselves. */
export const childrenOf = (pid: number, title = ''): number[] =>
  processes()
    .filter(({ parent, args }) => parent === pid && args.startsWith(title))
    .map((child) => child.pid);

/** Pids of everything below a process. */
export function descendantsOf(pid: number): number[] {
  const children = childrenOf(pid);
  return [...children, ...children.flatMap(descendantsOf)];
}

/** Pids of processes that carry this text in their command line. */
export const processesWith = (text: string): number[] =>
  processes()
    .filter(({ args }) => args.includes(text))
    .map(({ pid }) => pid);

export const isAlive = (pid: number): boolean => processes().some((process) => process.pid === pid);

/**
 * Kills a process that was found, as a power cut would.
 * @throws {Error} when none was found: signals to pid 0 reach this process and everything it has started.
 */
export function killFound(pid: number | undefined): void {
  if (pid === undefined || !(pid > 1)) throw new Error(`There is no process to kill: ${pid}`);
  process.kill(pid, 'SIGKILL');
}
