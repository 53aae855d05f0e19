import { readFileSync, writeFileSync } from 'node:fs';
import { sum } from '../statistics.ts';
import { descendantsOf } from './tree.ts';

/** Linux reports CPU time in units of 0.01 s, independent of the tick rate of the kernel. */
const secondsPerTick = 0.01;

/** Returns the user and system CPU time of a process in seconds. @throws {Error} when the process has ended. */
export function cpuSecondsOf(pid: number): number {
  try {
    return ticksIn(readFileSync(`/proc/${pid}/stat`, 'utf8')) * secondsPerTick;
  } catch (cause) {
    throw new Error(`Process ${pid} ended while it was measured`, { cause });
  }
}

/**
 * Returns the sum of the fields 14 and 15 of proc_pid_stat(5), user and system time. Fields are counted after the
 * parenthesis that ends the command.
 */
export function ticksIn(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

export const residentMiBOf = (pid: number): number =>
  kilobytes(readFileSync(`/proc/${pid}/status`, 'utf8'), 'VmRSS') / 1024;

/** Returns the peak resident memory of a process in MiB since {@link resetPeak}. */
export const peakMiBOf = (pid: number): number =>
  kilobytes(readFileSync(`/proc/${pid}/status`, 'utf8'), 'VmHWM') / 1024;

/** Resets the peak memory of a process to its current memory, see proc_pid_clear_refs(5). */
export const resetPeak = (pid: number): void => writeFileSync(`/proc/${pid}/clear_refs`, '5');

/** Returns the memory of a process and its descendants in MiB. Shared pages count once (PSS). */
export function treeMiBOf(pid: number): number {
  const members = [pid, ...descendantsOf(pid)];
  return sum(members.map((member) => kilobytes(readFileSync(`/proc/${member}/smaps_rollup`, 'utf8'), 'Pss') / 1024));
}

const kilobytes = (text: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? Number.NaN);

/** The CPU use of the machine and of groups of processes between two points in time. */
export interface CpuUse {
  wall: number;
  /** The CPU time in s by group. */
  cpu: Record<string, number>;
  /** The CPU time in s of idle CPUs (`idle`) and of processes outside the groups (`others`), over all CPUs. */
  idle: number;
  others: number;
}

/**
 * Starts counting the CPU time of each group.
 * @param parts process ids by group. The benchmark itself is added as `client`.
 */
export function meterCpu(parts: Record<string, readonly number[]>): { stop(): CpuUse } {
  const read = () => {
    const { user, system } = process.cpuUsage();
    const others = Object.entries(parts).map(([name, pids]) => [name, sum(pids.map(cpuSecondsOf))] as const);
    return { of: new Map([...others, ['client', (user + system) / 1e6]]), machine: machineSeconds() };
  };
  const before = read();
  const start = performance.now();
  return {
    stop() {
      const wall = (performance.now() - start) / 1000;
      const after = read();
      const cpu = Object.fromEntries([...after.of].map(([name, value]) => [name, value - (before.of.get(name) ?? 0)]));
      const busy = after.machine.busy - before.machine.busy;
      return {
        wall,
        cpu,
        idle: after.machine.idle - before.machine.idle,
        others: Math.max(0, busy - sum(Object.values(cpu))),
      };
    },
  };
}

/**
 * Returns the machine's CPU time in s since its boot, from proc_stat(5). `busy` includes time that the hypervisor gave
 * to other machines (steal).
 */
function machineSeconds(): { busy: number; idle: number } {
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, softIrq = 0, steal = 0] = readFileSync(
    '/proc/stat',
    'utf8',
  )
    .split('\n', 1)
    .flatMap((line) => line.split(/\s+/).slice(1).map(Number));
  return {
    busy: (user + nice + system + irq + softIrq + steal) * secondsPerTick,
    idle: (idle + wait) * secondsPerTick,
  };
}
