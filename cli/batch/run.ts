import { hash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import type { Config } from '../../shared/config.ts';
import type { StreamQuery } from '../../shared/contracts/batch.ts';
import { takeLock } from '../../shared/file-lock.ts';
import type { ServiceClient } from '../client.ts';
import { failureOf } from '../failures.ts';
import { checkOutput } from '../output-file.ts';
import type { Progress } from '../progress.ts';
import { type ColumnFlags, openInput } from './input.ts';
import { asServerFile, localImages } from './local-images.ts';
import { outputBeside, outputFormatOf } from './output-name.ts';
import { scoreOffline } from './score-offline.ts';
import { type Posting, runToEnd, writeResults } from './score-online.ts';
import { isSameRun, type RunState, stateFileOf } from './state-file.ts';
import { rowsOf, type Tally } from './tally.ts';
import { removePart, type WriterOptions } from './writer.ts';

export interface RunOptions extends ColumnFlags, Posting {
  file: string;
  out?: string | undefined;
  delimiter?: string | undefined;
  /** The encoding of text; detects UTF-8 and UTF-16 by default. */
  encoding?: string | undefined;
  limit?: number | undefined;
  strict: boolean;
  /** The directory of images that rows name by their path; the directory of the file by default. */
  images?: string | undefined;
  /** Send paths as they are; the service reads the images. */
  serverFiles: boolean;
  formulas: StreamQuery['formulas'];
  /** Ignore the state of an earlier run. */
  again: boolean;
  /** Replace an output that no earlier run of this command wrote. */
  force: boolean;
}

export interface RunDeps {
  config: Config;
  /** Undefined to score in this process. */
  client: ServiceClient | undefined;
  progress: Progress;
  signal: AbortSignal;
  /** Called once the batch exists, and will be evaluated even if this process stops. */
  onBatch?(id: string): void;
}

/** The outcome of a run. */
export interface RunResult {
  output: string;
  batchId: string | null;
  /** True when an earlier run had already scored everything. */
  wasDone: boolean;
  /** Rows per second: of the whole batch on the service, or of this run offline. Null when this run did nothing. */
  rowsPerSecond: number | null;
  seconds: number;
  finished: NonNullable<RunState['finished']>;
}

/** States after which the same command has nothing left to do. */
const doneStates = new Set(['completed', 'completed_with_errors']);

/** Scores a file of pairs into an output file. Continues where an earlier run stopped. */
export async function runBatch(
  options: RunOptions,
  { config, client, progress, signal, onBatch }: RunDeps,
): Promise<RunResult> {
  const start = performance.now();
  const { file, out, strict, formulas, serverFiles } = options;
  const { imageColumn, textColumn, idColumn, delimiter, encoding, limit, priority, maxFailures, maxFailureShare } =
    options;
  const model = options.model ?? config.model;
  const input = await openInput(file, {
    ...{ imageColumn, textColumn, idColumn, delimiter, encoding, limit },
    strictness: strict ? 'strict' : 'lenient',
  });
  const output = resolve(out ?? outputBeside(file));
  const writing: WriterOptions = { output, format: outputFormatOf(output), input, formulas };
  const directory = resolve(options.images ?? input.directory);
  const images = localImages(directory, config.imageMaxBytes);

  // An output with a state file is from an earlier run of this command.
  const stateFile = stateFileOf(output);
  await checkOutput(output, { inputs: [file], force: options.force, isOwn: existsSync(stateFile.path) });
  const unlock = await lock(output, progress, signal);
  try {
    const fresh: RunState = {
      version: 1,
      input: { file: resolve(file), sha256: await input.hash() },
      options: {
        ...{ columns: input.columnNames, delimiter, encoding, limit, strict, formulas, model },
        images: serverFiles ? null : directory,
      },
      service: client?.base ?? null,
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
    if (client === undefined) {
      const begun = state.partial?.rows ?? 0;
      const deps = { config: { ...config, model }, input, images, progress, signal };
      const { tally, pinned } = await scoreOffline(deps, state, stateFile, writing);
      state.finished = { at: new Date().toISOString(), state: stateOf(tally), ...pinned, tally };
      rowsPerSecond = (rowsOf(tally) - begun) / secondsSince(start);
    } else {
      const prepare = serverFiles
        ? async (item: Parameters<typeof asServerFile>[0]) => asServerFile(item)
        : images.inline;
      const posting = {
        name: options.name ?? basename(options.file),
        tag: options.tag,
        model: options.model,
        priority,
        maxFailures,
        maxFailureShare,
      };
      const deps = { client, input, prepare, posting, progress, signal, onBatch };
      const status = await runToEnd(deps, state, stateFile).catch(async (error: unknown) => {
        // A refused batch leaves nothing to continue, so the state file gets its former content.
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
      // The whole batch's time: after a resume, this process saw only the end of the work.
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

/** Returns the state of an earlier run of the same work that can be continued, else the fresh one. */
function stateToResume(known: RunState | undefined, fresh: RunState, progress: Progress): RunState {
  if (known === undefined) return fresh;
  // Compared as JSON, which drops undefined values, because the known state was read from JSON.
  if (!isSameRun(known, JSON.parse(JSON.stringify(fresh)))) {
    if (known.finished === undefined && known.batchId !== undefined) {
      progress.say(`the file or the options have changed: batch ${known.batchId} is left as it is`);
    }
    return fresh;
  }
  return known.finished === undefined || doneStates.has(known.finished.state) ? known : fresh;
}

/** Locks the output: two runs would overwrite each other. The second run waits, and then finds the work done. */
async function lock(output: string, progress: Progress, signal: AbortSignal): Promise<() => void> {
  // The user id is in the name: all users share the directory, but not the file.
  const name = `vls-${process.getuid?.() ?? 'lock'}-${hash('sha256', output).slice(0, 16)}.lock`;
  return await takeLock(
    join(tmpdir(), name),
    () => progress.say('another run is writing this output; waiting for it'),
    signal,
  );
}
