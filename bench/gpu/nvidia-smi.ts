import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mean } from '../../testing/statistics.ts';

/** The use of the first GPU during a measurement, from `nvidia-smi`. */
export interface GpuUse {
  /** The mean share of the time in which the GPU ran a kernel, in per cent. */
  utilisation: number;
  memoryMiB: number;
  watts: number;
}

const query = (fields: string) => [`--query-gpu=${fields}`, '--format=csv,noheader,nounits', '-i', '0'];
const everyMs = 250;

/** Starts to measure the use of the GPU. `stop` returns null without a GPU. */
export function watchGpu(): { stop(): GpuUse | null } {
  const rows: number[][] = [];
  let child: ChildProcess | undefined;
  if (readGpuMemory() !== null) {
    const args = [...query('utilization.gpu,memory.used,power.draw'), '-lms', String(everyMs)];
    child = spawn('nvidia-smi', args, { stdio: ['ignore', 'pipe', 'ignore'] });
    child.stdout?.on('data', (data: Buffer) => {
      for (const line of data.toString().trim().split('\n')) rows.push(line.split(',').map(Number));
    });
  }
  return {
    stop() {
      child?.kill();
      if (rows.length === 0) return null;
      const column = (at: number) => rows.map((row) => row[at] ?? Number.NaN).filter(Number.isFinite);
      return { utilisation: mean(column(0)), memoryMiB: Math.max(...column(1)), watts: mean(column(2)) };
    },
  };
}

/** Returns the memory in use on the first GPU in MiB, or null without a GPU. */
export function readGpuMemory(): number | null {
  const { stdout, status } = spawnSync('nvidia-smi', query('memory.used'), { encoding: 'utf8' });
  return status === 0 ? Number(stdout.trim()) : null;
}
