import { getPriority, setPriority } from 'node:os';

/**
 * Lowers the CPU priority of this process to `niceness` (0 to 19; higher means less priority). An already lower
 * priority stays: raising it without CAP_SYS_NICE fails with EACCES.
 */
export function lowerPriority(niceness: number): void {
  if (getPriority() < niceness) setPriority(niceness);
}
