import { getPriority, setPriority } from 'node:os';

/**
 * Lowers the CPU priority of this process to `niceness` (0 to 19; a higher value is a lower priority). Does nothing
 * when the priority is already lower, as it may be under `nice` or in a container: raising it would fail with EACCES
 * without CAP_SYS_NICE.
 */
export function lowerPriority(niceness: number): void {
  if (getPriority() < niceness) setPriority(niceness);
}
