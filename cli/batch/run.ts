import { hash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import type { ColumnNames } from '../../formats/format.ts';
import { secondsTaken } from '../../shared/batch-time.ts';
import type { Config } from '../../shared/config.ts';
import type { EmbeddingsFormat } from '../../shared/contracts/batch/embeddings.ts';
import type { StreamQuery } from '../../shared/contracts/batch/results.ts';
import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import { hasFileLocks, takeLock } from '../../shared/file-lock.ts';
import type { ServiceClient } from '../client.ts';
import { failureOf } from '../failures.ts';
import { withModel } from '../offline-model.ts';
import { checkOutput } from '../output-file.ts';
import type { Progress } from '../progress.ts';
import { wholeId } from '../whole-id.ts';
import { type EmbeddingFile, embeddingFilesOf, writeEmbeddings } from './embedding-files.ts';
import { type ColumnFlags, openInput } from './input.ts';
import { type LatestRetry, readLatestRetry } from './latest-retry.ts';
import { asServerFile, localImages } from './local-images.ts';
import { outputBeside, outputFormatOf } from './output-name.ts';
import type { scoreOffline } from './score-offline.ts';
import { type Posting, runToEnd, writeResults } from './score-online.ts';
import { isSameRun, type RunState, stateFileOf } from './state-file.ts';
import { rowsOf, type Tally } from './tally.ts';
import { pathOf } from './watch.ts';
import { removePart, type WriterOptions } from './writer.ts';

export interface RunOptions extends ColumnFlags, Posting {
  file: string;
  out?: string | undefined;
  delimiter?: string | undefined;
  /** The text encoding of the file. By default UTF-8 and UTF-16 are detected. */
  encoding?: string | undefined;
  limit?: number | undefined;
  strict: boolean;
  /** The base directory of image paths; by default that of the file. */
  images?: string | undefined;
  /** True to send the paths of images, which the service then reads itself. */
  serverFiles: boolean;
  formulas: StreamQuery['formulas'];
  /** True to start over instead of continuing an earlier run. */
  again: boolean;
  /** True to replace an output that another command wrote. */
  force: boolean;
  /** The format of the embedding files; false to leave the embeddings on the service. */
  embeddingFormat: EmbeddingsFormat | false;
}

export interface RunDeps {
  config: Config;
  /** Scores the rows: a service, through its client, or this process. */
  scorer: { client: ServiceClient } | { scoreOffline: typeof scoreOffline };
  progress: Progress;
  signal: AbortSignal;
  /** Called when the service has created the batch, which it evaluates even if this process stops. */
  onBatch?(id: string): void;
}

export interface RunResult {
  output: string;
  embeddings: EmbeddingFile[];
  batchId: string | null;
  /** True when an earlier run had already scored all rows. */
  wasDone: boolean;
  /**
   * The time in s that the batch took on the service, from its start to its end. Without a service, the duration of
   * this run. Null when it is unknown, or this run scored nothing.
   */
  seconds: number | null;
  /** The mean rate in `seconds`; null without a scored row. */
  rowsPerSecond: number | null;
  /** True when this run continued an earlier one without a service, so that `seconds` is not the time of all rows. */
  isContinued: boolean;
  columns: ColumnNames;
  /** True when the service read the image files itself. */
  serverFiles: boolean;
  finished: NonNullable<RunState['finished']>;
  /** Describes the latest retry of the batch of an earlier run. */
  latestRetry?: LatestRetry | undefined;
}

/** The final states after which the same command has nothing left to do. */
const doneStates = new Set(['completed', 'completed_with_errors']);

/** Scores a file of pairs into an output file, and continues an earlier run. */
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

  // An output with a state file was written by this command, so it may be replaced.
  const stateFile = stateFileOf(output);
  const { embeddingFormat } = options;
  const embeddingFiles = embeddingFormat === false ? [] : embeddingFilesOf(output, embeddings, embeddingFormat);
  const isOwn = existsSync(stateFile.path);
  for (const path of [output, ...embeddingFiles.map((each) => each.path)]) {
    await checkOutput(path, { inputs: [file], force: options.force, isOwn });
  }
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
    const isWhole = [output, ...embeddingFiles.map(({ path }) => path)].every(existsSync);
    if (state.finished !== undefined && isWhole) {
      return {
        output,
        embeddings: embeddingFiles,
        batchId: batchId(),
        wasDone: true,
        rowsPerSecond: null,
        seconds: null,
        isContinued: false,
        columns: input.columnNames,
        serverFiles,
        finished: state.finished,
        latestRetry: 'client' in scorer ? await latestRetryOf(scorer.client, batchId()) : undefined,
      };
    }
    if (state.partial === undefined || !existsSync(`${output}.part`)) {
      delete state.partial;
      await removePart(output);
    }
    const isContinued = 'scoreOffline' in scorer && state.partial !== undefined;
    let seconds: number | null;
    let rowsPerSecond: number | null;
    if ('scoreOffline' in scorer) {
      const earlierRows = state.partial?.rows ?? 0;
      const deps = { config: withModel(config, options.model), input, images, progress, signal };
      const { tally, pinned } = await scorer.scoreOffline(deps, state, stateFile, writing);
      state.finished = { at: new Date().toISOString(), state: stateOf(tally), ...pinned, tally };
      seconds = Math.max(0.001, (performance.now() - start) / 1000);
      rowsPerSecond = (rowsOf(tally) - earlierRows) / seconds;
    } else {
      const prepare = async (item: Parameters<typeof asServerFile>[0]) => {
        if (imagesFrom !== undefined) return item;
        return serverFiles ? asServerFile(item) : await images.inline(item);
      };
      const isLocal = imagesFrom === undefined && !serverFiles;
      const asFile: typeof images.asFile = async (item) => (isLocal ? await images.asFile(item) : item);
      const posting = {
        name: options.name ?? basename(options.file),
        tag: options.tag,
        model: options.model,
        priority,
        maxFailures,
        maxFailureShare,
        ...{ embeddings, embeddingPrecision },
        imagesFrom: imagesFrom === undefined ? undefined : await wholeId(scorer.client, imagesFrom),
      };
      const deps = { client: scorer.client, input, prepare, asFile, posting, progress, signal, onBatch };
      const status = await runToEnd(deps, state, stateFile).catch(async (error: unknown) => {
        // No later run can continue a refused batch, so the state file gets its former content back.
        const isRefusal = !signal.aborted && failureOf(error).code !== 'service.unreachable';
        if (isRefusal && state.batchId === undefined) {
          await (known === undefined || known === state ? stateFile.remove() : stateFile.write(known));
        }
        throw error;
      });
      const tally = await writeResults(deps, status, writing);
      if (embeddingFormat !== false) await writeEmbeddings(deps, status, embeddingFiles, embeddingFormat);
      const { revision, precision, preprocess } = status;
      const at = status.finishedAt ?? new Date().toISOString();
      state.finished = { at, state: status.state, model: status.model, revision, precision, preprocess, tally };
      seconds = secondsTaken(status);
      rowsPerSecond = status.itemsPerSecond;
    }
    delete state.partial;
    await stateFile.write(state);
    return {
      output,
      embeddings: embeddingFiles,
      batchId: batchId(),
      wasDone: false,
      // Without a scored row, the rate would be that of failures.
      rowsPerSecond: state.finished.tally.succeeded > 0 ? rowsPerSecond : null,
      seconds,
      isContinued,
      columns: input.columnNames,
      serverFiles,
      finished: state.finished,
    };
  } finally {
    unlock();
  }
}

/** Returns the final state that the service would give to a batch with these counts. */
function stateOf({ succeeded, failed }: Tally): string {
  if (failed === 0) return 'completed';
  return succeeded === 0 ? 'failed' : 'completed_with_errors';
}

/** Returns the state of the earlier run if it can be continued, otherwise that of a new run. */
function stateToResume(known: RunState | undefined, fresh: RunState, progress: Progress): RunState {
  if (known === undefined) return fresh;
  // The state file has no undefined values, because JSON drops them.
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

/** Locks the output, because simultaneous runs would overwrite each other. The second run waits. */
async function lock(output: string, progress: Progress, signal: AbortSignal): Promise<() => void> {
  // Node 20 cannot lock files, so simultaneous runs are not detected there.
  if (!hasFileLocks) return () => {};
  // All users share the directory of lock files, so the name contains the user id.
  const name = `vls-${process.getuid?.() ?? 'lock'}-${hash('sha256', output).slice(0, 16)}.lock`;
  return await takeLock(
    join(tmpdir(), name),
    () => progress.say('another run is writing this output; waiting for it'),
    signal,
  );
}

/** The batch may have expired, and the results of the earlier run are complete without it. */
async function latestRetryOf(client: ServiceClient, id: string | null): Promise<LatestRetry | undefined> {
  if (id === null) return undefined;
  const status = await client.json<BatchStatus>(pathOf(id)).catch(() => undefined);
  return status && (await readLatestRetry(client, status));
}
