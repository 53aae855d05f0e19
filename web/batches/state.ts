import type { BatchStatus } from '../../shared/contracts/batch.ts';
import { type Code, codes } from '../../shared/errors.ts';
import * as numbers from '../ui/numbers.ts';

type Tone = 'good' | 'warn' | 'bad' | 'plain' | 'live';

/** Describes the state of a batch in one or a few words. */
export function stateWords({ state, items }: Pick<BatchStatus, 'state' | 'items'>): [tone: Tone, words: string] {
  switch (state) {
    case 'accepting':
      return ['live', 'arriving'];
    case 'queued':
      return ['plain', 'queued'];
    case 'running':
      return ['live', 'running'];
    case 'completed':
      return ['good', 'done'];
    case 'completed_with_errors':
      return ['warn', `done, ${numbers.count(items.failed)} failed`];
    case 'failed':
      return ['bad', 'failed'];
    case 'cancelled':
      return ['plain', 'cancelled'];
  }
}

/** Counts the failed items that may succeed when they are evaluated again. */
export const countRetryable = ({ failures }: Pick<BatchStatus, 'failures'>): number =>
  (Object.entries(failures) as [Code, number][])
    .filter(([code]) => codes[code].retryable)
    .reduce((sum, [, count]) => sum + count, 0);

/** Returns the label of the button that retries the failed items. */
export function retryWords(status: Pick<BatchStatus, 'failures' | 'items'>): string {
  const failed = numbers.count(status.items.failed);
  const may = countRetryable(status);
  if (may === 0) return `Retry ${failed} failed`;
  if (may === status.items.failed) return `Retry ${failed} that may pass`;
  return `Retry ${failed} failed, of which ${numbers.count(may)} may pass`;
}

/** Returns the name under which a batch is shown: its own, or the beginning of its id. */
export const titleOf = ({ id, name }: Pick<BatchStatus, 'id' | 'name'>): string => name ?? `Batch ${id.slice(0, 8)}`;
