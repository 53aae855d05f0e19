import { readFileSync } from 'node:fs';
import { createPool } from '../../models/pool/pool.ts';
import { type Code, ServiceError } from '../../shared/errors.ts';
import { specOf, tinyClipFolder } from '../../testing/model-folders.ts';
import { silentLog } from '../support/silent-log.ts';

export interface FuzzInput {
  name: string;
  bytes: Buffer;
}

export interface FuzzReport {
  /** Number of inputs that ended in an embedding, and in each code. */
  outcomes: Record<string, number>;
  slowest: { name: string; ms: number };
  /** Resident memory of the encoder in MB: before the inputs, after them, and at its highest. Only Linux tells. */
  memory: { before: number; after: number; peak: number } | undefined;
  /** Encoders that ended. */
  restarts: number;
  /** Forbidden outcomes: anything but an embedding or an `image.*` code. */
  faults: string[];
}

/**
 * Gives inputs to a real encoder process.
 * @param warmUp embedded first, so that what the process needs once is not counted as what it kept.
 * @param options.atOnce inputs in the encoder at a time; the time of each then holds its waiting.
 */
export async function drive(
  warmUp: readonly FuzzInput[],
  inputs: Iterable<FuzzInput>,
  { maxPixels, atOnce }: { maxPixels: number; atOnce: number },
): Promise<FuzzReport> {
  const spec = await specOf(tinyClipFolder);
  const pool = createPool({ spec, encoders: 1, threads: 1, maxPixels, log: silentLog() });
  try {
    await pool.whenReady();
    const [pid] = pool.pids();
    const outcomes: Record<string, number> = {};
    const faults: string[] = [];
    let slowest = { name: '', ms: 0 };

    const embed = async ({ bytes }: FuzzInput): Promise<Code | 'embedded' | { fault: string }> => {
      try {
        const { embedding } = await pool.embed({ image: bytes }, { interactive: false });
        const length = Math.hypot(...embedding);
        return Math.abs(length - 1) < 1e-3 ? 'embedded' : { fault: `an embedding of length ${length}` };
      } catch (error) {
        if (error instanceof ServiceError && error.code.startsWith('image.')) return error.code;
        return { fault: String(error) };
      }
    };
    for (const input of warmUp) await embed(input);
    const before = residentMb(pid, 'VmRSS');

    const queue = inputs[Symbol.iterator]();
    const lane = async () => {
      for (let next = queue.next(); !next.done; next = queue.next()) {
        const start = performance.now();
        const outcome = await embed(next.value);
        const ms = Math.round(performance.now() - start);
        if (ms > slowest.ms) slowest = { name: next.value.name, ms };
        if (typeof outcome === 'string') outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
        else faults.push(`${next.value.name}: ${outcome.fault}`);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, lane));
    // The next inputs release the memory of the last ones.
    for (const input of warmUp) await embed(input);
    const [after, peak] = [residentMb(pid, 'VmRSS'), residentMb(pid, 'VmHWM')];
    return {
      outcomes,
      slowest,
      memory: before && after && peak ? { before, after, peak } : undefined,
      restarts: pool.state().restarts,
      faults,
    };
  } finally {
    pool.close();
  }
}

function residentMb(pid: number | undefined, field: string): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const kilobytes = new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return kilobytes === undefined ? undefined : Math.round(Number(kilobytes) / 1024);
}
