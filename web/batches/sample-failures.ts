import { answered } from '../http/answered.ts';
import { createCsvReader } from './csv.ts';
import { resultsOf } from './downloads.ts';
import { countResultColumns, readResultColumns } from './result-columns.ts';

export interface FailedItem {
  index: number;
  /** The URL of the image, if it has one. */
  address: string | undefined;
}

/** The failed items with the same error code and message. */
export interface Cause {
  message: string;
  count: number;
  examples: FailedItem[];
}

export interface FailureSample {
  causes: ReadonlyMap<string, Cause[]>;
  /** Failed items read from the results so far. */
  read: number;
}

const maxExamples = 5;
const maxCauses = 20;
/** The maximum number of failed items to read. Messages repeat, so not all failed items are needed. */
const maxRead = 5_000;

/**
 * Reads the first failed items of a batch, and groups them by code and message.
 * @throws {RequestFailed}
 */
export async function sampleFailures(id: string, signal: AbortSignal): Promise<FailureSample> {
  const response = await resultsOf(id, 'csv', { status: 'failed', formulas: 'keep' }, signal);
  const causes = new Map<string, Cause[]>();
  const csv = createCsvReader();
  let read = -1;
  let own = 0;
  const stream = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  for (let ended = stream === undefined; !ended && read < maxRead; ) {
    const part = stream === undefined ? undefined : await answered(() => stream.read(), signal);
    ended = part === undefined || part.done;
    for (const row of ended ? csv.end() : csv.push(part?.value ?? '')) {
      if (read++ >= 0) add(causes, readResultColumns(row, own));
      else own = countResultColumns(row);
    }
  }
  await stream?.cancel();
  for (const list of causes.values()) list.sort((a, b) => b.count - a.count);
  return { causes, read: Math.max(0, read) };
}

function add(
  causes: Map<string, Cause[]>,
  { index, given, code, message }: ReturnType<typeof readResultColumns>,
): void {
  const list = causes.get(code) ?? [];
  causes.set(code, list);
  let cause = list.find((known) => known.message === message);
  if (cause === undefined) {
    if (list.length === maxCauses) return;
    cause = { message, count: 0, examples: [] };
    list.push(cause);
  }
  cause.count++;
  if (cause.examples.length === maxExamples) return;
  cause.examples.push({ index: Number(index), address: given.find((value) => /^https?:\/\//i.test(value)) });
}
