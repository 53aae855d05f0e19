import type { ItemResult } from '../../shared/contracts/item.ts';

export type FailedItem = Extract<ItemResult, { status: 'failed' }>;

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
 * Groups the first failed items by code and message.
 * @param results failed items as NDJSON.
 */
export async function groupFailures(results: ReadableStream<string> | undefined): Promise<FailureSample> {
  const causes = new Map<string, Cause[]>();
  let read = 0;
  let rest = '';
  const stream = results?.getReader();
  for (let ended = stream === undefined; !ended && read < maxRead; ) {
    const part = await stream?.read();
    ended = part === undefined || part.done;
    const lines = `${rest}${part?.value ?? ''}`.split('\n');
    rest = ended ? '' : (lines.pop() ?? '');
    for (const line of lines) {
      if (line === '') continue;
      read++;
      add(causes, JSON.parse(line) as FailedItem);
    }
  }
  await stream?.cancel();
  for (const list of causes.values()) list.sort((a, b) => b.count - a.count);
  return { causes, read };
}

function add(causes: Map<string, Cause[]>, item: FailedItem): void {
  const { code, message } = item.error;
  const list = causes.get(code) ?? [];
  causes.set(code, list);
  let cause = list.find((known) => known.message === message);
  if (cause === undefined) {
    if (list.length === maxCauses) return;
    cause = { message, count: 0, examples: [] };
    list.push(cause);
  }
  cause.count++;
  if (cause.examples.length < maxExamples) cause.examples.push(item);
}
