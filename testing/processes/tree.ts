import { spawnSync } from 'node:child_process';

interface Listed {
  pid: number;
  parent: number;
  /** The command line, or the title that the process has set. */
  args: string;
}

function processes(): Listed[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' });
  return stdout.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line);
    // A zombie has ended, but its parent has not read its exit status.
    if (match === null || match[3]?.startsWith('Z')) return [];
    return [{ pid: Number(match[1]), parent: Number(match[2]), args: match[4] ?? '' }];
  });
}

/** Returns the ids of a process's children, only of those whose title begins with `title`. */
export const childrenOf = (pid: number, title = ''): number[] =>
  processes()
    .filter(({ parent, args }) => parent === pid && args.startsWith(title))
    .map((child) => child.pid);

export function descendantsOf(pid: number): number[] {
  const children = childrenOf(pid);
  return [...children, ...children.flatMap(descendantsOf)];
}

export const processesWith = (text: string): number[] =>
  processes()
    .filter(({ args }) => args.includes(text))
    .map(({ pid }) => pid);

export const isAlive = (pid: number): boolean => processes().some((process) => process.pid === pid);

/** Kills a process with SIGKILL. @throws {Error} without an id: a signal to 0 would reach this process's own group. */
export function killFound(pid: number | undefined): void {
  if (pid === undefined || !(pid > 1)) throw new Error(`There is no process to kill: ${pid}`);
  process.kill(pid, 'SIGKILL');
}
