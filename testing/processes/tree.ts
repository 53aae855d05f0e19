import { spawnSync } from 'node:child_process';

interface Listed {
  pid: number;
  parent: number;
  /** The command line of the process, or the title that the process has set. */
  args: string;
}

function processes(): Listed[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' });
  return stdout.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line);
    // A zombie has ended, but its parent has not read its exit status yet.
    if (match === null || match[3]?.startsWith('Z')) return [];
    return [{ pid: Number(match[1]), parent: Number(match[2]), args: match[4] ?? '' }];
  });
}

/** Returns the ids of the children of a process. With `title`, returns only those whose title begins with it. */
export const childrenOf = (pid: number, title = ''): number[] =>
  processes()
    .filter(({ parent, args }) => parent === pid && args.startsWith(title))
    .map((child) => child.pid);

/** Returns the ids of all descendants of a process. */
export function descendantsOf(pid: number): number[] {
  const children = childrenOf(pid);
  return [...children, ...children.flatMap(descendantsOf)];
}

/** Returns the ids of processes with this text in their command line. */
export const processesWith = (text: string): number[] =>
  processes()
    .filter(({ args }) => args.includes(text))
    .map(({ pid }) => pid);

export const isAlive = (pid: number): boolean => processes().some((process) => process.pid === pid);

/**
 * Kills a process with SIGKILL.
 * @throws {Error} when the id is undefined, because a signal to the id 0 would reach the process group of this process.
 */
export function killFound(pid: number | undefined): void {
  if (pid === undefined || !(pid > 1)) throw new Error(`There is no process to kill: ${pid}`);
  process.kill(pid, 'SIGKILL');
}
