import { availableParallelism } from 'node:os';
import type { ModelSpec, Provider } from '../model.ts';

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
 * From this memory in bytes on, encoders of an fp32 model have two threads each. On two cores, one such encoder of
 * ViT-B/32 scores 18.0 pairs/s, and two single-threaded ones 19.7; a single request takes 82 instead of 108 ms, and the
 * service 0.9 instead of 1.6 GiB. ViT-L/14 also loses a tenth of its throughput, for 0.61 times the latency and half the
 * memory. Small models and int8 lose 15 to 22 %, so their encoders have one thread.
 */
const twoThreadsFromBytes = 500_000_000;

/**
 * Returns the shape of a model's pool. On a CPU, there are as many encoders as CPUs and memory allow, and they share
 * the CPUs equally. Encoders of large fp32 models have at least two threads. On an accelerator, there is one encoder for
 * each device. All CPUs except one decode images for the encoders; the remaining CPU is for the process that moves the
 * images.
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
