import { availableParallelism } from 'node:os';
import type { Provider } from '../model.ts';

/** How many encoders a process runs for a model, and with how many threads each. */
export interface PoolShape {
  encoders: number;
  threads: number;
  /** Processes that decode for each encoder; 0 where it decodes itself. */
  decoders: number;
}

export interface Machine {
  /** CPUs this process may use: affinity and cgroup quota both count. */
  cpus: number;
  /** Bytes this process may use; the cgroup's limit where there is one. */
  memoryBytes: number;
}

/** Memory the process itself needs beside its encoders, in bytes. */
const baseMemoryBytes = 300_000_000;

/** Node asks libuv, which reads affinity and the cgroup's CPU quota (v1 and v2), and the cgroup's memory limit. */
export function thisMachine(): Machine {
  const constrained = process.constrainedMemory();
  const total = constrained > 0 ? Math.min(constrained, process.availableMemory()) : process.availableMemory();
  return { cpus: availableParallelism(), memoryBytes: total };
}

/**
 * On a CPU as many sessions as CPUs and memory carry, and the CPUs shared among them: two sessions of one thread reach
 * 41.7 pictures a second where one session of two threads reaches 37.0 (ViT-B/32, fp32, two cores). On accelerators
 * one session for each device, and the CPUs decode for it; all but one, as the process that moves the images needs it.
 */
export function shapeOf(
  machine: Machine,
  modelBytes: number,
  asked: { encoders?: number | undefined },
  on: { provider: Provider; devices: number } = { provider: 'cpu', devices: 1 },
): PoolShape {
  const fitting = Math.floor((machine.memoryBytes - baseMemoryBytes) / (1.4 * modelBytes));
  const wanted = on.provider === 'cpu' ? Math.min(machine.cpus, fitting) : on.devices;
  const encoders = asked.encoders ?? Math.max(1, wanted);
  const threads = Math.max(1, Math.floor(machine.cpus / encoders));
  const decoders = on.provider === 'cpu' ? 0 : Math.max(1, Math.floor((machine.cpus - 1) / encoders));
  return { encoders, threads, decoders };
}
