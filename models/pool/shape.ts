import { availableParallelism } from 'node:os';
import type { Provider } from '../model.ts';

/** The number of encoders that a process runs for a model, and the numbers of threads and decoders of each encoder. */
export interface PoolShape {
  encoders: number;
  threads: number;
  /** The number of decoder processes of each encoder; 0 when the encoder decodes itself. */
  decoders: number;
}

export interface Machine {
  /** The number of CPUs that this process may use, by affinity and by the cgroup quota. */
  cpus: number;
  /** The memory in bytes that this process may use: the limit of the cgroup if there is one. */
  memoryBytes: number;
}

/** The memory in bytes of the process itself, without its encoders. */
const baseMemoryBytes = 300_000_000;

/**
 * Returns the limits of this process. libuv reads affinity, the cgroup's CPU quota (v1 and v2) and its memory limit.
 */
export function thisMachine(): Machine {
  const constrained = process.constrainedMemory();
  const total = constrained > 0 ? Math.min(constrained, process.availableMemory()) : process.availableMemory();
  return { cpus: availableParallelism(), memoryBytes: total };
}

/**
 * Returns the shape of a model's pool. On a CPU, there are as many encoders as CPUs and memory allow, and they share
 * the CPUs equally. Many encoders with few threads are faster: on two cores, two single-threaded encoders reach 41.7
 * images/s, and one encoder with two threads reaches 37.0 (ViT-B/32, fp32). On an accelerator, there is one encoder for
 * each device. All CPUs except one decode images for the encoders; the remaining CPU is for the process that moves the
 * images.
 */
export function shapeOf(
  machine: Machine,
  modelBytes: number,
  wanted: { encoders?: number | undefined },
  on: { provider: Provider; devices: number } = { provider: 'cpu', devices: 1 },
): PoolShape {
  const fitting = Math.floor((machine.memoryBytes - baseMemoryBytes) / (1.4 * modelBytes));
  const possible = on.provider === 'cpu' ? Math.min(machine.cpus, fitting) : on.devices;
  const encoders = wanted.encoders ?? Math.max(1, possible);
  const threads = Math.max(1, Math.floor(machine.cpus / encoders));
  const decoders = on.provider === 'cpu' ? 0 : Math.max(1, Math.floor((machine.cpus - 1) / encoders));
  return { encoders, threads, decoders };
}
