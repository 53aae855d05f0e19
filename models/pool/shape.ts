import { availableParallelism } from 'node:os';
import type { ModelSpec, Provider } from '../model.ts';

/** The number of encoders that a process runs for a model, and the number of threads and decoders of each. */
export interface PoolShape {
  encoders: number;
  threads: number;
  /** The number of decoder processes of each encoder; 0 when the encoder decodes images itself. */
  decoders: number;
}

export interface Machine {
  /** The number of CPUs that this process may use, according to its affinity and the quota of its cgroup. */
  cpus: number;
  /** The memory in bytes that this process may use: the limit of the cgroup if there is one. */
  memoryBytes: number;
}

/** The memory in bytes of the process itself, without its encoders. */
const baseMemoryBytes = 300_000_000;

/**
 * Returns the limits of this process. libuv reads the affinity, the CPU quota of the cgroup (v1 and v2) and its memory
 * limit.
 */
export function thisMachine(): Machine {
  const constrained = process.constrainedMemory();
  const total = constrained > 0 ? Math.min(constrained, process.availableMemory()) : process.availableMemory();
  return { cpus: availableParallelism(), memoryBytes: total };
}

/**
 * The memory in bytes from which an fp32 model gets encoders with two threads each. On two cores, one such encoder of
 * ViT-B/32 scores 18.0 pairs/s, and two single-threaded ones score 19.7; but a single request takes 82 instead of 108
 * ms, and the service takes 0.9 instead of 1.6 GiB. ViT-L/14 also loses a tenth of its throughput, and needs 0.61 times
 * the latency and half the memory. Small models and int8 would lose 15 to 22 %, so their encoders have one thread.
 */
const twoThreadsFromBytes = 500_000_000;

/**
 * Returns the shape of the pool of a model. On a CPU, there are as many encoders as the CPUs and the memory allow, and
 * they share the CPUs equally; encoders of large fp32 models have at least two threads. On an accelerator, each device
 * has one encoder. All CPUs except one then decode images for the encoders; the remaining CPU serves the process that
 * moves the images.
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
