import { spawnSync } from 'node:child_process';

/** Pids of a process's children, by what they call themselves. */
export function childrenOf(pid: number, title: string): number[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .filter((match) => Number(match?.[2]) === pid && match?.[3]?.startsWith(title))
    .map((match) => Number(match?.[1]));
}
