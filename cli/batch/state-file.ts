import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { UsageError } from '../failures.ts';
import { tallySchema } from './tally.ts';

/**
 * What a second run must know of the first, in a small file beside the output. It is written before anything is sent,
 * stays when all is done, and then says what the scores come from.
 */
const schema = z.object({
  version: z.literal(1),
  input: z.object({ file: z.string(), sha256: z.string() }),
  /** How the input is read and what is asked for: scores of other options are other scores. */
  options: z.record(z.string(), z.unknown()),
  /** Address of the service; null without one. */
  service: z.string().nullable(),
  /** With it a batch that was posted, and whose id never arrived, is found again. */
  idempotencyKey: z.string(),
  batchId: z.string().optional(),
  /** How far an output that is written here has got. */
  partial: z.object({ rows: z.int(), bytes: z.int(), tally: tallySchema }).optional(),
  finished: z
    .object({
      at: z.string(),
      state: z.string(),
      model: z.string(),
      revision: z.string(),
      precision: z.string(),
      preprocess: z.string(),
      tally: tallySchema,
    })
    .optional(),
});
export type RunState = z.output<typeof schema>;

/** The file with the state of one output. */
export interface StateFile {
  path: string;
  /** @throws {UsageError} when it is there and is no state of a run. */
  read(): Promise<RunState | undefined>;
  /** Replaces it in one step. */
  write(state: RunState): Promise<void>;
  remove(): Promise<void>;
}

export function stateFileOf(output: string): StateFile {
  const path = `${output}.vls.json`;
  return {
    path,
    async read() {
      const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw error;
      });
      if (text === undefined) return undefined;
      try {
        return schema.parse(JSON.parse(text));
      } catch {
        throw new UsageError(`${path} is not the state of a run of this version; delete it to begin anew`);
      }
    },
    async write(state) {
      await writeFile(`${path}.part`, `${JSON.stringify(state, null, 2)}\n`);
      await rename(`${path}.part`, path);
    },
    remove: () => rm(path, { force: true }),
  };
}

/** Whether a state belongs to the same rows, read in the same way, scored in the same place. */
export const isSameRun = (a: RunState, b: RunState): boolean =>
  a.input.sha256 === b.input.sha256 &&
  a.service === b.service &&
  JSON.stringify(a.options) === JSON.stringify(b.options);
