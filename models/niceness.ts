import { getPriority, setPriority } from 'node:os';

/**
 * Lowers the priority of this process to `niceness` (0 to 19). Keeps a priority that is lower already, as under `nice` or in
 * a container of an engine with a low priority: to raise one again is an error (EACCES) without CAP_SYS_NICE.
 */
export function lowerPriority(niceness: number): void {
  if (getPriority() < niceness) setPriority(niceness);
}
