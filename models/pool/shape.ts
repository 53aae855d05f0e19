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
 * The memory in bytes from which an fp32 model gets encoders with two threads each. The figures compare one encoder
 * with two threads to two encoders with one thread each, on two cores. For ViT-B/32, the throughput falls from 19.7 to
 * 18.0 pairs/s, but the time of a single request falls from 108 to 82 ms, and the memory of the service from 1.6 to 0.9
 * GiB. For ViT-L/14, the throughput falls by a tenth, the time of a request to 0.61 times its value, and the memory to
 * half. Small models and int8 would lose 15 to 22 % of their throughput, so their encoders have one thread.
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
