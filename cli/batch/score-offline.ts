import type { StoredItem } from '../../batches/store/payload.ts';
import { echoed } from '../../batches/store/payload.ts';
import { createEvaluationEngine } from '../../evaluation/engine.ts';
import type { Outcome, Pair } from '../../evaluation/outcome.ts';
import { recipeOf } from '../../models/model.ts';
import type { ItemResult } from '../../shared/contracts/item.ts';
import { createLogger } from '../../shared/log.ts';
import type { OfflineConfig } from '../offline-model.ts';
import { counted, type Progress } from '../progress.ts';
import type { BatchInput } from './input.ts';
import type { LocalImages } from './local-images.ts';
import { createRows } from './rows.ts';
import type { RunState, StateFile } from './state-file.ts';
import { count, emptyTally, rowsOf, type Tally } from './tally.ts';
import { openWriter, type WriterOptions } from './writer.ts';

export interface OfflineDeps {
  config: OfflineConfig;
  input: BatchInput;
  images: LocalImages;
  progress: Progress;
  signal: AbortSignal;
}

/** Rows that are evaluated together: as many as the items in a chunk on the service. */
const chunkRows = 64;
/** The maximum number of chunks in flight. While one waits for its slowest rows, the next ones keep the CPU busy. */
const maxChunksInFlight = 4;
/** The time in ms between two writes of the state file. */
const checkpointMs = 1_000;

export type Pinned = Pick<NonNullable<RunState['finished']>, 'model' | 'revision' | 'precision' | 'preprocess'>;

/** Scores the rows in this process and its encoders, and continues the output of an earlier run. */
export async function scoreOffline(
  { config, input, images, progress, signal }: OfflineDeps,
  state: RunState,
  stateFile: StateFile,
  options: WriterOptions,
): Promise<{ tally: Tally; pinned: Pinned }> {
  const total = await countRows(input, signal);
  const roots = [{ tenant: '*', path: images.directory }, ...config.imageFileRoots];
  const log = await createLogger({ name: 'vls', level: 'silent' });
  const evaluationEngine = await createEvaluationEngine({ ...config, imageFileRoots: roots }, log);
  const { spec } = await evaluationEngine.registry.resolve().catch(async (error: unknown) => {
    await evaluationEngine.close();
    throw error;
  });
  const tally = state.partial?.tally ?? emptyTally();
  const rows = createRows(input.items());
  const begun = rowsOf(tally);
  for (let skipped = 0; skipped < begun; skipped += chunkRows) await rows.take(Math.min(chunkRows, begun - skipped));
  if (begun > 0) progress.say(`continuing after ${counted(begun, 'row')}`);
  const pairProbabilities = spec.probability.kind === 'sigmoid';
  const writer = await openWriter({
    ...options,
    pairProbabilities,
    receipt: recipeOf(spec),
    from: state.partial?.bytes ?? 0,
  });
  const escapedBefore = tally.escapedCells;
  const checkpoint = async () => {
    tally.escapedCells = escapedBefore + writer.escaped();
    state.partial = { rows: rowsOf(tally), bytes: writer.bytes(), tally };
    await stateFile.write(state);
  };
  try {
    await evaluationEngine.encoders.for(spec).whenReady();
    let savedAt = performance.now();
    const inFlight: Promise<{ items: StoredItem[]; sent: StoredItem[]; outcomes: Outcome[] }>[] = [];
    const write = async () => {
      const done = await inFlight.shift();
      if (done === undefined) return;
      const results = toResults(rowsOf(tally), done.sent, done.outcomes, images);
      await writer.add(results, done.items);
      for (const [at, result] of results.entries()) count(tally, result, done.sent[at]);
      progress.update({ done: rowsOf(tally), failed: tally.failed, total });
      if (performance.now() - savedAt < checkpointMs) return;
      await checkpoint();
      savedAt = performance.now();
    };
    for (;;) {
      const items = await rows.take(chunkRows);
      if (items.length === 0) break;
      const sent = await Promise.all(items.map(images.asFile));
      const evaluated = evaluationEngine.evaluation
        .scorePairs([spec], sent.map(toPair), { signal })
        .then(({ answers }) => ({ items, sent, outcomes: answers.map(({ outcome }) => outcome) }));
      // The error is handled when the results of this chunk are written. Without this handler, Node would end the
      // process first.
      evaluated.catch(() => {});
      inFlight.push(evaluated);
      if (inFlight.length >= maxChunksInFlight) await write();
      signal.throwIfAborted();
    }
    while (inFlight.length > 0) await write();
    await writer.commit();
    tally.escapedCells = escapedBefore + writer.escaped();
    const { model, revision, precision, preprocess } = recipeOf(spec);
    return { tally, pinned: { model, revision, precision, preprocess } };
  } catch (error) {
    await checkpoint();
    await writer.close();
    throw error;
  } finally {
    await evaluationEngine.close();
  }
}

const toPair = (item: StoredItem): Pair =>
  'error' in item ? { error: item.error } : { image: item.image, text: item.text };

function toResults(
  offset: number,
  items: readonly StoredItem[],
  outcomes: readonly Outcome[],
  images: LocalImages,
): ItemResult[] {
  return items.flatMap((item, at): ItemResult[] => {
    const outcome = outcomes[at];
    if (outcome === undefined) return [];
    const placed = { index: offset + at, ...echoed(item) };
    if (outcome.status === 'succeeded') return [{ ...placed, ...outcome }];
    return [{ ...placed, status: 'failed', error: images.explain(item, outcome.error) }];
  });
}

/** Counts the rows to estimate the remaining time. Reading the file once more is fast compared with the evaluation. */
async function countRows(input: BatchInput, signal: AbortSignal): Promise<number> {
  let total = 0;
  for await (const items of input.items()) {
    total += items.length;
    signal.throwIfAborted();
  }
  return total;
}
