import { getPriority, setPriority } from 'node:os';

/**
 * Lowers the priority of this process to `niceness` (0 to 19). Keeps a priority that is already lower, as under `nice`
 * or in a container with low priority: raising it again fails with EACCES without CAP_SYS_NICE.
 */
export function lowerPriority(niceness: number): void {
  if (getPriority() < niceness) setPriority(niceness);
}
