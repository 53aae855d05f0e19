import { availableParallelism } from 'node:os';
import type { ModelSpec, Provider } from '../model.ts';

export interface PoolShape {
  encoders: number;
  threads: number;
  /** Decoder processes of each encoder; 0 when it decodes images itself. */
  decoders: number;
}

export interface Machine {
  /** CPUs that this process may use, by its affinity and cgroup quota. */
  cpus: number;
  /** Memory in bytes that this process may use: the cgroup's limit, if any. */
  memoryBytes: number;
}

/** The memory in bytes of the process without its encoders. */
const baseMemoryBytes = 300_000_000;

/** Returns the limits of this process. libuv reads affinity, CPU quota (cgroup v1 and v2) and memory limit. */
export function thisMachine(): Machine {
  const constrained = process.constrainedMemory();
  const total = constrained > 0 ? Math.min(constrained, process.availableMemory()) : process.availableMemory();
  return { cpus: availableParallelism(), memoryBytes: total };
}

/**
 * From this memory in bytes, encoders of fp32 models get two threads each. With one such encoder instead of two
 * one-thread ones on two cores, ViT-B/32 went from 19.7 to 18.0 pairs/s, a single request from 108 to 82 ms, the
 * service from 1.6 to 0.9 GiB. With two threads, small and int8 models would lose 15 to 22 % of their throughput.
 */
const twoThreadsFromBytes = 500_000_000;

/**
 * Returns the encoders of a model. On a CPU: as many as CPUs and memory allow, with two or more threads each for large
 * fp32 models. On an accelerator: one per device; all CPUs but one decode images.
 */
export function shapeOf(
  machine: Machine,
  { memoryBytes, precision }: Pick<ModelSpec, 'memoryBytes' | 'precision'>,
  wanted: { encoders?: number | undefined },
  on: { provider: Provider; devices: number } = { provider: 'cpu', devices: 1 },
): PoolShape {
  const fitting = Math.floor((machine.memoryBytes - baseMemoryBytes) / (1.4 * memoryBytes));
  const threadsEach = precision === 'fp32' && memoryBytes >= twoThreadsFromBytes ? 2 : 1;
  const possible = on.provider === 'cpu' ? Math.min(Math.floor(machine.cpus / threadsEach), fitting) : on.devices;
  const encoders = wanted.encoders ?? Math.max(1, possible);
  const threads = Math.max(1, Math.floor(machine.cpus / encoders));
  const decoders = on.provider === 'cpu' ? 0 : Math.max(1, Math.floor((machine.cpus - 1) / encoders));
  return { encoders, threads, decoders };
}
