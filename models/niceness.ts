import { getPriority, setPriority } from 'node:os';

/**
 * Lowers the CPU priority of this process to `niceness` (0 to 19; a higher value means a lower priority). Does nothing
 * when the priority is already lower, for example under `nice` or in a container, because raising it without
 * CAP_SYS_NICE would fail with EACCES.
 */
export function lowerPriority(niceness: number): void {
  if (getPriority() < niceness) setPriority(niceness);
}
