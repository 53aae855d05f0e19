import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import { looksLikeImage, looksLikePath } from '../../shared/image-paths.ts';
import {
  countRetryable,
  countWith,
  type ImageOrigin,
  laterRetryWords,
  type NextStep,
  nextSteps,
  type Remedies,
  remediesOf,
} from '../../shared/remedies.ts';
import { replacedBy } from '../../shared/replaced-items.ts';
import * as numbers from '../ui/numbers.ts';

const batchCommand = '“vls batch” (in a checkout “npx vls batch”)';

type Tone = 'good' | 'warn' | 'bad' | 'plain' | 'live';

/** Describes the state of a batch in a few words, with a tone for their colour. */
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

/** Returns false for an ended batch without any score: its rate would be that of failures. */
export const hasRate = ({ finishedAt, items }: Pick<BatchStatus, 'finishedAt' | 'items'>): boolean =>
  finishedAt === null || items.succeeded > 0;

/** A choice of items to evaluate again: the label of its button, and the query for the API. */
export interface Retry {
  words: string;
  query: string;
  /** True for the choice that users most likely want. */
  isFirst: boolean;
}

/** The latest retry of a batch; null if there is none, and undefined before it is read. */
type LatestRetry = Pick<BatchStatus, 'finishedAt' | 'items' | 'retryStatus'> | null | undefined;

/** Returns true if no items can be retried now: a retry runs, or is not read yet. */
const isRetried = (retry: LatestRetry): boolean => retry === undefined || retry?.finishedAt === null;

/**
 * Returns the choices of items to evaluate again, the most useful first, without items that would fail again and those
 * that the latest retry has replaced.
 */
export function retriesOf(status: Pick<BatchStatus, 'failures' | 'items'>, retry: LatestRetry): Retry[] {
  if (isRetried(retry)) return [];
  const replaced = replacedBy(retry, status);
  const cancelled = replaced.cancelled ? 0 : status.items.cancelled;
  const may = replaced.retryable ? 0 : countRetryable(status);
  const ways: Omit<Retry, 'isFirst'>[] = [];
  if (cancelled > 0) ways.push({ words: `Continue ${numbers.count(cancelled)} cancelled`, query: '?status=cancelled' });
  if (may > 0) ways.push({ words: `Retry ${numbers.count(may)} that may succeed`, query: '?retryable=true' });
  // If most of the failed items would fail again, a retry is seldom the best next step.
  const isUseful = cancelled > 0 || 2 * may >= status.items.failed;
  return ways.map((way, at) => ({ ...way, isFirst: at === 0 && isUseful }));
}

/** Returns the words that precede the link from a batch to its retry. */
export function retriedWords(retry: Pick<BatchStatus, 'finishedAt' | 'retryStatus'>): string {
  const word = isContinuation(retry) ? 'continued' : 'retried';
  return retry.finishedAt === null ? `Being ${word} in` : `${word === 'continued' ? 'Continued' : 'Retried'} in`;
}

/**
 * Describes the progress or the outcome of a retry.
 * @param original the batch whose items it retries.
 */
export function retryWords(
  { items, finishedAt }: Pick<BatchStatus, 'items' | 'finishedAt'>,
  original: Pick<BatchStatus, 'items'>,
): string {
  const { total, succeeded, failed, cancelled, pending } = items;
  if (finishedAt === null) return `${numbers.count(total - pending)} of ${numbers.count(total)} done`;
  // A retry of cancelled items evaluates them for the first time.
  const again = original.items.cancelled === 0 ? ' again' : '';
  const counts: [count: number, word: string][] = [
    [succeeded, 'succeeded'],
    [failed, `failed${again}`],
    [cancelled, 'cancelled'],
  ];
  return counts.flatMap(([count, word]) => (count === 0 ? [] : [`${numbers.count(count)} ${word}`])).join(', ');
}

/** Returns the sentence about the rest of an ended retry, if the choices for it are only on its own page. */
export function restOfRetryWords(
  retry: Pick<BatchStatus, 'finishedAt' | 'items' | 'retryStatus'>,
  original: Pick<BatchStatus, 'items'>,
): string {
  const rest = retry.items.failed + retry.items.cancelled;
  const { retryable, cancelled } = replacedBy(retry, original);
  if (retry.finishedAt === null || rest === 0 || !(retryable || cancelled)) return '';
  return ` Open it to retry the ${rest === 1 ? 'last one' : `other ${numbers.count(rest)}`}.`;
}

/** Failed items that will fail again unless something changes. */
export interface LastingFailures {
  words: string;
  steps: NextStep[];
  /** The retry that may help after a step: the words before its button, the label, and the words after it. */
  retryAll: { before: string; label: string; after: string } | undefined;
}

const fewFailed: Record<number, string> = { 1: 'the failed item', 2: 'both failed items' };

const swappedStep =
  'the columns of the images and the texts seem to be swapped: post the file again with these columns exchanged.';

/** The first failed items of a batch. */
export interface FailedItems {
  /** True if the columns of image and text seem to be swapped. */
  areSwapped: boolean;
  /** The origin of the images that cannot be used; undefined if they have several. */
  origin: ImageOrigin | undefined;
}

/** Describes the failed items that a retry would not help, with the next steps. Returns undefined if there are none. */
export function lastingFailuresOf(
  status: Pick<BatchStatus, 'failures' | 'items'>,
  retry: LatestRetry,
  { areSwapped, origin }: Partial<FailedItems> = {},
): LastingFailures | undefined {
  const { failed } = status.items;
  const lasting = failed - countRetryable(status);
  if (lasting <= 0 || isRetried(retry) || replacedBy(retry, status).all) return undefined;
  const items = lasting === 1 ? 'failed item' : numbers.counted(lasting, 'failed item');
  const remedies = remediesOf(status, origin);
  const { source, ...others } = remedies;
  const swapped = { items: numbers.counted(countWith(remedies, 'source'), 'item'), step: swappedStep };
  const steps =
    areSwapped && source !== undefined
      ? [swapped, ...nextSteps(others, batchCommand, numbers.count)]
      : nextSteps(remedies, batchCommand, numbers.count);
  return {
    words: `The ${lasting < failed ? 'other ' : ''}${items} would fail again:`,
    steps,
    retryAll: retryAllOf(remedies, failed),
  };
}

function retryAllOf(remedies: Remedies, failed: number): LastingFailures['retryAll'] {
  const rest = laterRetryWords(remedies, numbers.count);
  if (rest === undefined) return undefined;
  const label = `retry ${fewFailed[failed] ?? `all ${numbers.count(failed)} failed items`}`;
  return { before: 'After that, ', label, after: `.${rest}` };
}

/** Returns true if the texts of all items with an invalid image source look like images, in swapped columns. */
export const seemSwapped = (invalid: readonly { text?: string | undefined }[]): boolean =>
  invalid.length > 0 && invalid.every(({ text = '' }) => looksLikeImage(text) || looksLikePath(text));

/** Names the model of a batch, and counts the others that share it. */
export const modelWords = ({ model, traffic }: Pick<BatchStatus, 'model' | 'traffic'>): string =>
  traffic === null || traffic.length < 2 ? model : `${model} and ${traffic.length - 1} more`;

/** Returns the batch from which the items of a batch come, with words that precede its {@link shortNameOf}. */
export function originOf({
  retryOf,
  retryStatus,
  rescoreOf,
  texts,
  imagesFrom,
}: Pick<BatchStatus, 'retryOf' | 'retryStatus' | 'rescoreOf' | 'texts' | 'imagesFrom'>):
  | { id: string; words: string }
  | undefined {
  if (retryOf !== null) return { id: retryOf, words: isContinuation({ retryStatus }) ? 'continues' : 'retries' };
  if (rescoreOf !== null) return { id: rescoreOf, words: texts === 'others' ? 'wrong pairs of' : 'rescores' };
  return imagesFrom === null ? undefined : { id: imagesFrom, words: 'new texts for the images of' };
}

/** Returns true for a batch of the cancelled items of an earlier one, which it evaluates for the first time. */
export const isContinuation = ({ retryStatus }: Partial<Pick<BatchStatus, 'retryStatus'>>): boolean =>
  retryStatus?.length === 1 && retryStatus[0] === 'cancelled';

/** Names a batch by the start of its id, as the command line does. */
export const shortNameOf = (id: string): string => `batch ${id.slice(0, 8)}`;

/** Returns the words of a link to another batch. @param other undefined if the batch is not read. */
export const linkWords = (id: string, other: BatchStatus | undefined): string =>
  other === undefined || other.name === null ? shortNameOf(id) : titleOf(other);

/** Returns the name of a batch in every view. A retry has the name of its original, so it gets a mark. */
export function titleOf({
  id,
  name,
  retryOf = null,
  retryStatus = null,
  items,
}: Pick<BatchStatus, 'id' | 'name'> & Partial<Pick<BatchStatus, 'retryOf' | 'retryStatus' | 'items'>>): string {
  const title = name ?? `Batch ${id.slice(0, 8)}`;
  if (retryOf === null) return title;
  // A batch may have several retries.
  const count = items === undefined ? '' : `${numbers.count(items.total)} `;
  return `${title}, ${count}${isContinuation({ retryStatus }) ? 'continued' : 'retried'}`;
}
