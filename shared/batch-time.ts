import type { BatchStatus } from './contracts/batch/status.ts';

/**
 * Returns the time in s that an ended batch took: from its start, which is its first evaluation, to its end. The mean of
 * `itemsPerSecond` covers the same time. Null for a batch that runs or was never started.
 */
export function secondsTaken({ startedAt, finishedAt }: Pick<BatchStatus, 'startedAt' | 'finishedAt'>): number | null {
  if (startedAt === null || finishedAt === null) return null;
  return Math.max(0, Date.parse(finishedAt) - Date.parse(startedAt)) / 1000;
}
