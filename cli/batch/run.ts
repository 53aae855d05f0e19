import { hash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import type { Config } from '../../shared/config.ts';
import type { StreamQuery } from '../../shared/contracts/batch.ts';
import { hasFileLocks, takeLock } from '../../shared/file-lock.ts';
import type { ServiceClient } from '../client.ts';
import { failureOf } from '../failures.ts';
import { checkOutput } from '../output-file.ts';
import type { Progress } from '../progress.ts';
import { type ColumnFlags, openInput } from './input.ts';
import { asServerFile, localImages } from './local-images.ts';
import { outputBeside, outputFormatOf } from './output-name.ts';
import type { scoreOffline } from './score-offline.ts';
import { type Posting, runToEnd, writeResults } from './score-online.ts';
import { isSameRun, type RunState, stateFileOf } from './state-file.ts';
import { rowsOf, type Tally } from './tally.ts';
import { removePart, type WriterOptions } from './writer.ts';

export interface RunOptions extends ColumnFlags, Posting {
  file: string;
  out?: string | undefined;
  delimiter?: string | undefined;
  /** The encoding of text. By default UTF-8 and UTF-16 are detected. */
  encoding?: string | undefined;
  limit?: number | undefined;
  strict: boolean;
  /** The directory of images that rows name by their path; the directory of the file by default. */
  images?: string | undefined;
  /** True to send image paths unchanged, so that the service reads the images. */
  serverFiles: boolean;
  formulas: StreamQuery['formulas'];
  /** True to ignore the state of an earlier run. */
  again: boolean;
  /** True to replace an output that another command wrote. */
  force: boolean;
}

export interface RunDeps {
  config: Config;
  /** Scores the rows: the client of the service, or a function that scores in this process. */
  scorer: { client: ServiceClient } | { scoreOffline: typeof scoreOffline };
  progress: Progress;
  signal: AbortSignal;
  /** Called once the batch exists. It is evaluated even if this process stops. */
  onBatch?(id: string): void;
}

/** The outcome of a run. */
export interface RunResult {
  output: string;
  batchId: string | null;
  /** True when an earlier run had already scored everything. */
  wasDone: boolean;
  /**
   * The speed in rows per second: of the whole batch on the service, or of this run offline. Null when this run scored
   * nothing.
   */
  rowsPerSecond: number | null;
  seconds: number;
  finished: NonNullable<RunState['finished']>;
}

/** The final states after which the same command has nothing to do. */
const doneStates = new Set(['completed', 'completed_with_errors']);

/** Scores a file of pairs into an output file. Continues where an earlier run stopped. */
export async function runBatch(
  options: RunOptions,
  { config, scorer, progress, signal, onBatch }: RunDeps,
): Promise<RunResult> {
  const start = performance.now();
  const { file, out, strict, formulas, serverFiles } = options;
  const { embeddings, embeddingPrecision, imagesFrom } = options;
  const { imageColumn, textColumn, idColumn, delimiter, encoding, limit, priority, maxFailures, maxFailureShare } =
    options;
  const model = options.model ?? config.model;
  const input = await openInput(file, {
    ...{ imageColumn, textColumn, idColumn, delimiter, encoding, limit, model },
    strictness: strict ? 'strict' : 'lenient',
  });
  const output = resolve(out ?? outputBeside(file));
  const writing: WriterOptions = { output, format: outputFormatOf(output), input, formulas };
  const directory = resolve(options.images ?? input.directory);
  const images = localImages(directory, config.imageMaxBytes);

  // If the output has a state file, an earlier run of this command wrote it.
  const stateFile = stateFileOf(output);
  await checkOutput(output, { inputs: [file], force: options.force, isOwn: existsSync(stateFile.path) });
  const unlock = await lock(output, progress, signal);
  try {
    const fresh: RunState = {
      version: 1,
      input: { file: resolve(file), sha256: await input.hash() },
      options: {
        ...{ columns: input.columnNames, delimiter, encoding, limit, strict, formulas, model },
        ...{ embeddings, embeddingPrecision, imagesFrom },
        images: serverFiles ? null : directory,
      },
      service: 'client' in scorer ? scorer.client.base : null,
      idempotencyKey: randomUUID(),
    };
    const known = await stateFile.read();
    const state = options.again ? fresh : stateToResume(known, fresh, progress);
    const batchId = () => state.batchId ?? null;
    if (state.finished !== undefined && existsSync(output)) {
      return { output, batchId: batchId(), wasDone: true, rowsPerSecond: null, seconds: 0, finished: state.finished };
    }
    if (state.partial === undefined || !existsSync(`${output}.part`)) {
      delete state.partial;
      await removePart(output);
    }
    let rowsPerSecond: number | null = null;
    if ('scoreOffline' in scorer) {
      const begun = state.partial?.rows ?? 0;
      const deps = { config: { ...config, model }, input, images, progress, signal };
      const { tally, pinned } = await scorer.scoreOffline(deps, state, stateFile, writing);
      state.finished = { at: new Date().toISOString(), state: stateOf(tally), ...pinned, tally };
      rowsPerSecond = (rowsOf(tally) - begun) / secondsSince(start);
    } else {
      const prepare = async (item: Parameters<typeof asServerFile>[0]) => {
        if (imagesFrom !== undefined) return item;
        return serverFiles ? asServerFile(item) : await images.inline(item);
      };
      const posting = {
        name: options.name ?? basename(options.file),
        tag: options.tag,
        model: options.model,
        priority,
        maxFailures,
        maxFailureShare,
        ...{ embeddings, embeddingPrecision, imagesFrom },
      };
      const deps = { client: scorer.client, input, prepare, posting, progress, signal, onBatch };
      const status = await runToEnd(deps, state, stateFile).catch(async (error: unknown) => {
        // A refused batch cannot be continued, so the state file is restored to its former content.
        const isRefusal = !signal.aborted && failureOf(error).code !== 'service.unreachable';
        if (isRefusal && state.batchId === undefined) {
          await (known === undefined || known === state ? stateFile.remove() : stateFile.write(known));
        }
        throw error;
      });
      const tally = await writeResults(deps, status, writing);
      const { revision, precision, preprocess } = status;
      const at = status.finishedAt ?? new Date().toISOString();
      state.finished = { at, state: status.state, model: status.model, revision, precision, preprocess, tally };
      // The time of the whole batch counts. After an interruption, this process saw only the last part of it.
      rowsPerSecond = (1000 * rowsOf(tally)) / Math.max(1, Date.parse(at) - Date.parse(status.createdAt));
    }
    delete state.partial;
    await stateFile.write(state);
    const seconds = secondsSince(start);
    return { output, batchId: batchId(), wasDone: false, rowsPerSecond, seconds, finished: state.finished };
  } finally {
    unlock();
  }
}

const secondsSince = (start: number): number => Math.max(0.001, (performance.now() - start) / 1000);

/** Returns the state that the service would give to a batch with these counts. */
function stateOf({ succeeded, failed }: Tally): string {
  if (failed === 0) return 'completed';
  return succeeded === 0 ? 'failed' : 'completed_with_errors';
}

/** Returns the state of an earlier run if that run can be continued, else the new state. */
function stateToResume(known: RunState | undefined, fresh: RunState, progress: Progress): RunState {
  if (known === undefined) return fresh;
  // Both states are compared as read from JSON, because JSON drops undefined values.
  if (!isSameRun(known, JSON.parse(JSON.stringify(fresh)))) {
    if (known.finished === undefined && known.batchId !== undefined) {
      progress.say(
        `the file or the options have changed, so a new batch is started; the earlier batch ${known.batchId} is not touched`,
      );
    }
    return fresh;
  }
  return known.finished === undefined || doneStates.has(known.finished.state) ? known : fresh;
}

/** Locks the output, since two runs would overwrite each other. The second run waits, and then finds the work done. */
async function lock(output: string, progress: Progress, signal: AbortSignal): Promise<() => void> {
  // Node 20 has no file locks, so it cannot keep apart two runs with the same output.
  if (!hasFileLocks) return () => {};
  // The name contains the user id, because all users share the directory but each user needs a file of their own.
  const name = `vls-${process.getuid?.() ?? 'lock'}-${hash('sha256', output).slice(0, 16)}.lock`;
  return await takeLock(
    join(tmpdir(), name),
    () => progress.say('another run is writing this output; waiting for it'),
    signal,
  );
}
