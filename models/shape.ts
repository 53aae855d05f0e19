import { availableParallelism } from 'node:os';

/** How many evaluators a process runs for a model, and with how many threads each. */
export interface PoolShape {
  evaluators: number;
  threads: number;
}

export interface Machine {
  /** CPUs this process may use: affinity and cgroup quota both count. */
  cpus: number;
  /** Bytes this process may use; the cgroup's limit where there is one. */
  memoryBytes: number;
}

/** Memory the process itself needs beside its evaluators, in bytes. */
const baseMemoryBytes = 300_000_000;

/** Node asks libuv, which reads affinity and the cgroup's CPU quota (v1 and v2), and the cgroup's memory limit. */
export function thisMachine(): Machine {
  const constrained = process.constrainedMemory();
  const total = constrained > 0 ? Math.min(constrained, process.availableMemory()) : process.availableMemory();
  return { cpus: availableParallelism(), memoryBytes: total };
}

/**
 * As many sessions as CPUs and memory carry, and the CPUs shared among them: two sessions of one thread reach 41.7
 * pictures a second where one session of two threads reaches 37.0 (ViT-B/32, fp32, two cores).
 */
export function shapeOf(
  machine: Machine,
  modelBytes: number,
  asked: { evaluators?: number | undefined; threads?: number | undefined },
): PoolShape {
  const fitting = Math.floor((machine.memoryBytes - baseMemoryBytes) / (1.4 * modelBytes));
  const evaluators = asked.evaluators ?? Math.max(1, Math.min(machine.cpus, fitting));
  const threads = asked.threads ?? Math.max(1, Math.floor(machine.cpus / evaluators));
  return { evaluators, threads };
}
