import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Logger } from '../../shared/log.ts';
import type { Calibration } from '../encoder/protocol.ts';
import { type ModelSpec, modelKey } from '../model.ts';

const file = z.record(
  z.string(),
  z.object({ images: z.int().min(1), imagesPerSecond: z.record(z.coerce.number(), z.number()) }),
);

/** Throughput on this machine, by model, provider and number of threads. */
export interface CalibrationStore {
  get(spec: ModelSpec, threads: number): Calibration | undefined;
  set(spec: ModelSpec, threads: number, calibration: Calibration): void;
}

/**
 * Creates a store in `calibration.json` of `DATA_DIR`. If the file cannot be read or written, the throughput is
 * measured again.
 */
export function createCalibrationStore(dataDir: string, log: Logger): CalibrationStore {
  const path = join(dataDir, 'calibration.json');
  // A data directory may move to another machine, so the key contains the CPU.
  const keyOf = (spec: ModelSpec, threads: number) =>
    `${modelKey(spec)} on ${spec.provider}, ${threads} threads, ${cpus()[0]?.model ?? 'unknown CPU'}`;
  const read = (): z.output<typeof file> => {
    try {
      return file.parse(JSON.parse(readFileSync(path, 'utf8')));
    } catch {
      return {};
    }
  };
  return {
    get: (spec, threads) => read()[keyOf(spec, threads)],
    set(spec, threads, calibration) {
      try {
        mkdirSync(dirname(path), { recursive: true });
        // Not a process id: in containers that share the directory, every process may have the id 1.
        const draft = `${path}.${randomUUID()}.new`;
        // Another process may meanwhile have stored the result of another model.
        writeFileSync(draft, `${JSON.stringify({ ...read(), [keyOf(spec, threads)]: calibration }, null, 2)}\n`);
        renameSync(draft, path);
      } catch (error) {
        log.warn(
          { reason: (error as Error).message },
          'cannot store the measured micro-batch size; it will be measured again',
        );
      }
    },
  };
}
