import { randomUUID } from 'node:crypto';
import type { StoredItem } from '../../batches/store/payload.ts';
import { linesOf } from '../../formats/lines.ts';
import type { BatchStatus } from '../../shared/contracts/batch.ts';
import type { ItemResult } from '../../shared/contracts/item.ts';
import { parseExactly } from '../../shared/exact-json.ts';
import { formatNamed } from '../../shared/formats.ts';
import { type ServiceClient, unreachable } from '../client.ts';
import { followBatch } from '../events.ts';
import { CommandError, failureOf } from '../failures.ts';
import type { Progress } from '../progress.ts';
import type { BatchInput } from './input.ts';
import { createRows } from './rows.ts';
import type { RunState, StateFile } from './state-file.ts';
import { count, emptyTally, type Tally } from './tally.ts';
import { openWriter, type WriterOptions } from './writer.ts';

/** What the service is asked for, beside the rows. */
export interface Posting {
  model?: string | undefined;
  priority?: number | undefined;
  /** More failed items than this stop the batch. */
  maxFailures?: number | undefined;
  /** A larger share of failed items stops it, 0 to 1. */
  maxFailureShare?: number | undefined;
}

export interface OnlineDeps {
  client: ServiceClient;
  input: BatchInput;
  /** The item as it is sent. */
  prepare(item: StoredItem): Promise<StoredItem>;
  posting: Posting;
  progress: Progress;
  signal: AbortSignal;
  /** Told as soon as there is a batch that goes on by itself. */
  onBatch?: ((id: string) => void) | undefined;
}

/** Bytes of lines that are sent at a time. */
const partBytes = 256 * 1024;
/** Attempts at reading results whose connection breaks. */
const downloads = 3;

/**
 * Leads a batch to its end: the one that an earlier run has posted if there is one, a new one otherwise. The state says
 * at every moment what a later run has to know.
 */
export async function runToEnd(deps: OnlineDeps, state: RunState, stateFile: StateFile): Promise<BatchStatus> {
  const { client, progress, signal } = deps;
  const begun = state.batchId === undefined ? undefined : await find(deps, state.batchId);
  if (begun === undefined) {
    if (state.batchId !== undefined) state.idempotencyKey = randomUUID();
    state.batchId = undefined;
    await stateFile.write(state);
    const posted = await postOnce(deps, state, stateFile);
    state.batchId = posted.id;
    await stateFile.write(state);
    progress.say(`batch ${posted.id} has ${posted.items.total} rows`);
  } else progress.say(`going on with batch ${begun.id}`);

  const id = state.batchId ?? '';
  deps.onBatch?.(id);
  const show = ({ items }: Pick<BatchStatus, 'items'>) =>
    progress.update({ done: items.total - items.pending, failed: items.failed, total: items.total });
  const onLost = (reason: string) => progress.say(`${reason}; the batch is safe, waiting for the service`);
  for await (const { event, data } of followBatch(client, id, { signal, onLost: once(onLost) })) {
    if (event === 'end') {
      show(data);
      return data;
    }
    if (event !== 'failure' && data.items !== undefined) show({ items: data.items });
  }
  return await client.json<BatchStatus>(batchPath(id), { signal });
}

/** The batch of an earlier run; nothing when it is gone, or somebody has stopped it. */
async function find({ client, progress, signal }: OnlineDeps, id: string): Promise<BatchStatus | undefined> {
  try {
    const status = await client.json<BatchStatus>(batchPath(id), { signal });
    if (status.state !== 'cancelled') return status;
    progress.say(`batch ${id} was cancelled: beginning anew`);
  } catch (error) {
    if (failureOf(error).code !== 'batch.not_found') throw error;
    progress.say(`batch ${id} is no longer there: beginning anew`);
  }
  return undefined;
}

/** Posts the rows; however often this is broken off and repeated, with one key there is one batch. */
async function postOnce(deps: OnlineDeps, state: RunState, stateFile: StateFile): Promise<BatchStatus> {
  try {
    return await post(deps, state.idempotencyKey);
  } catch (error) {
    const { code } = failureOf(error);
    if (code === 'idempotency.mismatch') {
      // The list is the same, so the images that went with it are others than those an earlier run sent.
      deps.progress.say('the images have changed since they were sent: beginning anew');
      state.idempotencyKey = randomUUID();
      await stateFile.write(state);
      return await post(deps, state.idempotencyKey);
    }
    throw error;
  }
}

/** Sends the rows; returns when they are stored. */
export async function post(deps: OnlineDeps, idempotencyKey: string): Promise<BatchStatus> {
  const { client, posting, signal } = deps;
  const query = new URLSearchParams();
  const set = (name: string, value: string | number | undefined) => {
    if (value !== undefined) query.set(name, String(value));
  };
  set('model', posting.model);
  set('priority', posting.priority);
  set('failureBudgetCount', posting.maxFailures);
  set('failureBudgetShare', posting.maxFailureShare);
  for (const [name, value] of columnsOf(await withHeader(deps.input))) query.set(name, value);
  return await client.json<BatchStatus>(`/v1/evaluation/batch?${query}`, {
    method: 'POST',
    headers: { 'content-type': formatNamed('ndjson').mediaTypes[0], 'idempotency-key': idempotencyKey },
    body: () => bodyOf(deps),
    signal,
  });
}

/** An input whose columns are known. */
async function withHeader(input: BatchInput): Promise<BatchInput> {
  if (input.columns() === undefined && input.format.hasColumns) for await (const _ of input.items()) break;
  return input;
}

/** Longest list of columns that goes into an address, which servers bound: Node at 16 KiB with all headers. */
const maxColumnsLength = 8_000;

/** The rows go as NDJSON; with their columns, results as CSV are a table like the file for whoever reads them. */
function columnsOf(input: BatchInput): [string, string][] {
  const columns = JSON.stringify(input.columns() ?? []);
  if (columns === '[]' || encodeURIComponent(columns).length > maxColumnsLength) return [];
  return [['columns', columns], ...Object.entries(input.foundNames())];
}

/** The rows as NDJSON. */
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

/** A row that is no pair keeps its place: without a text the service makes it a failed item too. */
function toLine(item: StoredItem): object {
  if (!('error' in item)) return item;
  const { id, image, metadata } = item;
  return { id, image, metadata };
}

/**
 * Writes the results of a batch with the rows they belong to, in the order of the rows.
 * @throws {CommandError} `results.incomplete` when rows and results are not the same number.
 */
export async function writeResults(deps: OnlineDeps, status: BatchStatus, options: WriterOptions): Promise<Tally> {
  for (let attempt = 1; ; attempt++) {
    const tally = emptyTally();
    const writer = await openWriter(options);
    try {
      for await (const { results, items } of joinWithRows(deps, status.id)) {
        await writer.add(results, items);
        for (const result of results) count(tally, result);
      }
      await writer.commit();
      tally.escapedCells = writer.escaped();
      return tally;
    } catch (error) {
      await writer.close();
      deps.signal.throwIfAborted();
      // What fetch throws when a connection ends in the middle of a body.
      if (!(error instanceof TypeError)) throw error;
      if (attempt === downloads) throw unreachable(deps.client.base, error);
    }
  }
}

/** Results with their rows. Both come in the order of the rows, so neither is held whole. */
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
    // Scores have fractions, which only metadata needs to have read as text.
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

/** What was wrong with a row before it was sent says more than that the service could make nothing of it. */
async function withOwnError(
  result: ItemResult,
  item: StoredItem | undefined,
  prepare: OnlineDeps['prepare'],
): Promise<ItemResult> {
  if (result.status !== 'failed' || result.error.code !== 'item.invalid' || item === undefined) return result;
  const prepared = await prepare(item);
  return 'error' in prepared ? { ...result, error: prepared.error } : result;
}

const batchPath = (id: string): string => `/v1/evaluation/batch/${encodeURIComponent(id)}`;

const incomplete = (id: string): CommandError =>
  new CommandError('results.incomplete', `The results of batch ${id} do not match the rows of the file`, {
    advice: `Was the file changed meanwhile? \`npx vls results ${id}\` has what the service knows; run this again to score the file as it is now.`,
  });

function once(say: (reason: string) => void): (reason: string) => void {
  let said = '';
  return (reason) => {
    if (reason !== said) say(reason);
    said = reason;
  };
}
