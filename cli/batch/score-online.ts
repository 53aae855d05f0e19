import { randomUUID } from 'node:crypto';
import type { StoredItem } from '../../batches/store/payload.ts';
import { linesOf } from '../../formats/lines.ts';
import { called } from '../../shared/called.ts';
import type { EmbeddingPrecision, Kept } from '../../shared/contracts/batch/embeddings.ts';
import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import type { ItemResult } from '../../shared/contracts/item.ts';
import { parseExactly } from '../../shared/exact-json.ts';
import { formatNamed } from '../../shared/formats.ts';
import type { ServiceClient } from '../client.ts';
import { followBatch } from '../events.ts';
import { CommandError, failureOf } from '../failures.ts';
import { counted, type Progress } from '../progress.ts';
import type { BatchInput } from './input.ts';
import type { LocalImages } from './local-images.ts';
import { createRows } from './rows.ts';
import type { RunState, StateFile } from './state-file.ts';
import { count, emptyTally, type Tally } from './tally.ts';
import { openWriter, type Receipt, type WriterOptions } from './writer.ts';

export interface Posting {
  /** The display name of the batch. Default: the name of the file. */
  name?: string | undefined;
  tag?: string[] | undefined;
  model?: string | undefined;
  priority?: number | undefined;
  /** The service stops the batch when more items than this have failed. */
  maxFailures?: number | undefined;
  /** The service stops the batch when more than this share of its items has failed (0 to 1). */
  maxFailureShare?: number | undefined;
  /** The embeddings that the service stores. `embeddingPrecision` is the type of their numbers. */
  embeddings?: Kept | undefined;
  embeddingPrecision?: EmbeddingPrecision | undefined;
  /** The id of a batch whose stored image embeddings are used. The image column then contains indexes of its items. */
  imagesFrom?: string | undefined;
}

export interface OnlineDeps {
  client: ServiceClient;
  input: BatchInput;
  /** Returns the item to send, for example with its local image as base64. */
  prepare(item: StoredItem): Promise<StoredItem>;
  posting: Posting;
  progress: Progress;
  signal: AbortSignal;
  /** Called when the service has created the batch, which it evaluates even if this process stops. */
  onBatch?: ((id: string) => void) | undefined;
}

/** The approximate size in bytes of each chunk of the request body. */
const partBytes = 256 * 1024;
/** The time in ms after which a run says that its batch has not begun. */
const silentWaitMs = 5_000;
/** The maximum number of attempts to download the results. */
const downloadAttempts = 3;

/**
 * Runs a batch on the service to its end, or continues the batch of an earlier run. The state file is updated at each
 * step, so that a later run can continue.
 */
export async function runToEnd(deps: OnlineDeps, state: RunState, stateFile: StateFile): Promise<BatchStatus> {
  const { client, progress, signal } = deps;
  const begun = state.batchId === undefined ? undefined : await findEarlierBatch(deps, state.batchId);
  if (begun === undefined) {
    if (state.batchId !== undefined) state.idempotencyKey = randomUUID();
    state.batchId = undefined;
    await stateFile.write(state);
    const posted = await postOnce(deps, state, stateFile);
    state.batchId = posted.id;
    await stateFile.write(state);
    progress.say(`batch ${posted.id} has ${counted(posted.items.total, 'row')}`);
  } else progress.say(`continuing with batch ${begun.id}`);

  const id = state.batchId ?? '';
  deps.onBatch?.(id);
  const show = ({ items }: Pick<BatchStatus, 'items'>) =>
    progress.update({ done: items.total - items.pending, failed: items.failed, total: items.total });
  const onLost = (reason: string) =>
    progress.say(`${reason}; waiting until the service answers again (it has stored the batch)`);
  const waiting = setTimeout(
    () => progress.say('the batch waits for a worker; a batch with a higher --priority passes your other batches'),
    silentWaitMs,
  );
  try {
    for await (const { event, data } of followBatch(client, id, { signal, onLost })) {
      if (event === 'end') {
        show(data);
        return data;
      }
      if (event === 'failure') continue;
      if ('state' in data && data.state !== 'queued') clearTimeout(waiting);
      if (data.items !== undefined) show({ items: data.items });
    }
  } finally {
    clearTimeout(waiting);
  }
  return await client.json<BatchStatus>(batchPath(id), { signal });
}

/** Returns the batch of an earlier run; undefined when it was deleted or cancelled. */
async function findEarlierBatch(
  { client, progress, signal }: OnlineDeps,
  id: string,
): Promise<BatchStatus | undefined> {
  try {
    const status = await client.json<BatchStatus>(batchPath(id), { signal });
    if (status.state !== 'cancelled') return status;
    progress.say(`batch ${id} was cancelled; starting again`);
  } catch (error) {
    if (failureOf(error).code !== 'batch.not_found') throw error;
    progress.say(`batch ${id} no longer exists; starting again`);
  }
  return undefined;
}

/** Posts the rows. All attempts share an idempotency key, so they create one batch even after interruptions. */
async function postOnce(deps: OnlineDeps, state: RunState, stateFile: StateFile): Promise<BatchStatus> {
  try {
    return await post(deps, state.idempotencyKey);
  } catch (error) {
    const { code } = failureOf(error);
    if (code === 'idempotency.mismatch') {
      // The service got another body with this key before. The rows are the same, so the image files have changed.
      deps.progress.say('the images have changed since they were sent; starting again');
      state.idempotencyKey = randomUUID();
      await stateFile.write(state);
      return await post(deps, state.idempotencyKey);
    }
    throw error;
  }
}

/** Sends the rows, and returns when they are stored. */
export async function post(deps: OnlineDeps, idempotencyKey: string): Promise<BatchStatus> {
  const { client, posting, signal } = deps;
  const query = new URLSearchParams();
  const set = (name: string, value: string | number | undefined) => {
    if (value !== undefined) query.set(name, String(value));
  };
  set('name', posting.name);
  set('tags', posting.tag?.join(','));
  set('model', posting.model);
  set('priority', posting.priority);
  set('embeddings', posting.embeddings);
  set('embeddingPrecision', posting.embeddingPrecision);
  set('imagesFrom', posting.imagesFrom);
  set('failureBudgetCount', posting.maxFailures);
  set('failureBudgetShare', posting.maxFailureShare);
  for (const [name, value] of columnsOf(await readHeader(deps.input))) query.set(name, value);
  return await client.json<BatchStatus>(`/v1/evaluation/batch?${query}`, {
    method: 'POST',
    headers: { 'content-type': formatNamed('ndjson').mediaTypes[0], 'idempotency-key': idempotencyKey },
    body: () => bodyOf(deps),
    signal,
  });
}

/** Reads up to the first item, if the columns are not known yet. */
async function readHeader(input: BatchInput): Promise<BatchInput> {
  if (input.header() === undefined && input.format.hasColumns) {
    for await (const items of input.items()) if (items.length > 0) break;
  }
  return input;
}

/** The maximum length of the columns in a URL, in characters. Node allows 16 KiB for all headers together. */
const maxColumnsLength = 8_000;

/**
 * Returns query parameters with the column names of the file, for the CSV results. The rows are sent as NDJSON, which
 * has no columns.
 */
function columnsOf(input: BatchInput): [string, string][] {
  const header = input.header();
  if (header === undefined) return [];
  const columns = JSON.stringify(header.names);
  if (encodeURIComponent(columns).length > maxColumnsLength) return [];
  return [['columns', columns], ...Object.entries(header.columns)];
}

async function* bodyOf({ input, prepare, progress }: OnlineDeps): AsyncGenerator<Uint8Array> {
  let part = '';
  let rows = 0;
  let bytes = 0;
  const flush = () => {
    const data = Buffer.from(part);
    part = '';
    bytes += data.length;
    progress.sending(rows, bytes);
    return data;
  };
  for await (const items of input.items()) {
    for (const item of items) {
      part += `${JSON.stringify(toLine(await prepare(item)))}\n`;
      rows++;
      if (part.length >= partBytes) yield flush();
    }
  }
  if (part !== '') yield flush();
}

/** Returns the NDJSON line of a row. An invalid row is sent too, with its error, so that later rows keep their index. */
function toLine(item: StoredItem): object {
  if (!('error' in item)) return item;
  const { error, id, image, text, metadata } = item;
  return { id, image, text, metadata, clientError: { code: error.code, message: error.message } };
}

const receiptOf = ({ model, revision, precision, preprocess, textCleaning, longText }: BatchStatus): Receipt => ({
  ...{ model, revision, precision, preprocess, textCleaning: textCleaning ?? undefined, longText },
});

/**
 * Writes the results of a batch together with the rows of the file, in their order.
 * @param deps with `asFile`, which returns the item with its image as a path if it is a local file, for the report.
 * @throws {CommandError} `results.incomplete` when results and rows do not match.
 */
export async function writeResults(
  deps: OnlineDeps & Pick<LocalImages, 'asFile'>,
  status: BatchStatus,
  options: WriterOptions,
): Promise<Tally> {
  for (let attempt = 1; ; attempt++) {
    const tally = emptyTally();
    const writer = await openWriter({
      ...options,
      pairProbabilities: status.pairProbabilities,
      receipt: receiptOf(status),
    });
    try {
      for await (const { results, items } of joinWithRows(deps, status.id)) {
        await writer.add(results, items);
        for (const [at, result] of results.entries()) {
          const item = items[at];
          count(tally, result, item && result.status === 'failed' ? await deps.asFile(item) : item);
        }
      }
      await writer.commit();
      tally.escapedCells = writer.escaped();
      return tally;
    } catch (error) {
      await writer.close();
      deps.signal.throwIfAborted();
      // When a connection ends in the middle of a body, fetch throws a TypeError.
      if (!(error instanceof TypeError)) throw error;
      if (attempt === downloadAttempts) throw deps.client.unreachable(error);
    }
  }
}

/** Yields results together with their rows. Both have the same order, so neither is in memory as a whole. */
export async function* joinWithRows(
  { client, input, prepare, signal }: Pick<OnlineDeps, 'client' | 'input' | 'prepare' | 'signal'>,
  id: string,
): AsyncGenerator<{ results: ItemResult[]; items: StoredItem[] }> {
  const response = await client.open(`${batchPath(id)}/results`, {
    headers: { accept: formatNamed('ndjson').mediaTypes[0] },
    signal,
  });
  const rows = createRows(input.items());
  let index = 0;
  for await (const lines of linesOf(response.body)) {
    // Only metadata needs the exact parser, which keeps the digits of numbers. It is slow for fractional numbers, such
    // as every score.
    const parse = (line: string) => (line.includes('"metadata"') ? parseExactly(line) : JSON.parse(line));
    const sent = lines.map((line): ItemResult => parse(line));
    const items = await rows.take(sent.length);
    if (items.length < sent.length || sent.some((result, at) => result.index !== index + at)) throw incomplete(id);
    index += sent.length;
    const results = await Promise.all(sent.map((result, at) => withOwnError(result, items[at], prepare)));
    yield { results, items };
  }
  if ((await rows.take(1)).length > 0) throw incomplete(id);
}

/** Replaces the error of an older service, which refuses the field `clientError`. */
async function withOwnError(
  result: ItemResult,
  item: StoredItem | undefined,
  prepare: OnlineDeps['prepare'],
): Promise<ItemResult> {
  if (result.status !== 'failed' || item === undefined || result.error.code !== 'item.invalid') return result;
  const prepared = await prepare(item);
  return 'error' in prepared ? { ...result, error: prepared.error } : result;
}

const batchPath = (id: string): string => `/v1/evaluation/batch/${encodeURIComponent(id)}`;

const incomplete = (id: string): CommandError =>
  new CommandError('results.incomplete', `The results of batch ${id} do not match the rows of the file`, {
    advice: `The file may have changed. \`${called} results ${id}\` downloads the results that the service has stored; run the same command again to score the current file.`,
  });
