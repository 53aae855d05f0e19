import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { UsageError } from '../failures.ts';
import { tallySchema } from './tally.ts';

/**
 * The state of a run, in a file next to the output. It is written before anything is sent, so that the next run can
 * continue. It remains, because it names the model of the scores.
 */
const schema = z.object({
  version: z.literal(1),
  input: z.object({ file: z.string(), sha256: z.string() }),
  /** The options that influence the scores. */
  options: z.record(z.string(), z.unknown()),
  /** The address of the service; null for a run without a service. */
  service: z.string().nullable(),
  /** With this key, a later run finds the batch even if the response with its id was lost. */
  idempotencyKey: z.string(),
  batchId: z.string().optional(),
  /** The progress of a run without a service: the rows and bytes written so far, and the counts of outcomes. */
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

export interface StateFile {
  path: string;
  /**
   * Returns the stored state, or undefined without a file.
   * @throws {UsageError} when the file does not contain the state of a run.
   */
  read(): Promise<RunState | undefined>;
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
        throw new UsageError(`${path} is not a state file that this version of vls can read; delete it to start over`);
      }
    },
    async write(state) {
      await writeFile(`${path}.part`, `${JSON.stringify(state, null, 2)}\n`);
      await rename(`${path}.part`, path);
    },
    remove: () => rm(path, { force: true }),
  };
}

export const isSameRun = (a: RunState, b: RunState): boolean =>
  a.input.sha256 === b.input.sha256 &&
  a.service === b.service &&
  JSON.stringify(a.options) === JSON.stringify(b.options);
