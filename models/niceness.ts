import { getPriority, setPriority } from 'node:os';

/**
 * Lowers the priority of this process to `niceness` (0 to 19). Leaves a priority that is already lower, as under `nice`
 * or in a container: raising it fails with EACCES without CAP_SYS_NICE.
 */
export function lowerPriority(niceness: number): void {
  if (getPriority() < niceness) setPriority(niceness);
}
