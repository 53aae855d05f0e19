import type { BatchStatus } from './contracts/batch/status.ts';

type Retry = Pick<BatchStatus, 'items' | 'retryStatus'>;

/** Items of a batch. */
export interface ItemSet {
  /** True for the failed items that may succeed in a retry. */
  retryable: boolean;
  /** True for the cancelled items. */
  cancelled: boolean;
  /** True for all failed items. */
  all: boolean;
}

const none: ItemSet = { retryable: false, cancelled: false, all: false };

/** Returns which items of a batch a retry of it evaluates again. */
export function coveredBy(retry: Retry, { items }: Pick<BatchStatus, 'items'>): ItemSet {
  // A retry of an older release has no states and has only failed items.
  const states = retry.retryStatus ?? ['failed'];
  const retryable = states.includes('failed');
  const cancelled = states.includes('cancelled');
  const all = retryable && retry.items.total === items.failed + (cancelled ? items.cancelled : 0);
  return { retryable, cancelled, all };
}

/**
 * Returns which items of a batch its latest retry has replaced. A retry without a success replaces none: its original
 * still has the right numbers.
 */
export function replacedBy(retry: Retry | null | undefined, original: Pick<BatchStatus, 'items'>): ItemSet {
  return retry && retry.items.succeeded > 0 ? coveredBy(retry, original) : none;
}
