import { z } from 'zod';
import { type BatchStatus, batchState, failureReason, terminalStates } from '../shared/contracts/batch.ts';
import type { Code } from '../shared/errors.ts';

const count = z.coerce.number().int().min(0);
const time = z.coerce.number().int();

/** The hash of a batch, as read from Redis. Times are in ms since 1970. */
export const batchRecord = z.object({
  v: count,
  id: z.string(),
  tenant: z.string(),
  /** Whose queue carries its chunks. */
  profile: z.string(),
  model: z.string(),
  revision: z.string(),
  precision: z.string(),
  preprocess: z.string(),
  state: batchState,
  createdAt: time,
  startedAt: time.optional(),
  finishedAt: time.optional(),
  expiresAt: time.optional(),
  reason: failureReason.optional(),
  total: count.default(0),
  chunks: count.default(0),
  succeeded: count,
  failed: count,
  cancelled: count,
});
export type BatchRecord = z.output<typeof batchRecord>;

/** What is fixed about a batch when it is posted, and inherited by its retries. */
export type Pinned = Pick<BatchRecord, 'profile' | 'model' | 'revision' | 'precision' | 'preprocess'>;

/** The record as clients see it. */
export function toStatus(record: BatchRecord, failures: Record<string, string>, now: number): BatchStatus {
  const settled = record.succeeded + record.failed + record.cancelled;
  const pending = Math.max(0, record.total - settled);
  const seconds = record.startedAt === undefined ? 0 : ((record.finishedAt ?? now) - record.startedAt) / 1000;
  const rate = seconds > 0 && settled > 0 ? settled / seconds : null;
  const self = `/evaluator/v1/evaluation/batch/${record.id}`;
  return {
    id: record.id,
    state: record.state,
    model: record.model,
    revision: record.revision,
    precision: record.precision,
    preprocess: record.preprocess,
    items: {
      total: record.total,
      succeeded: record.succeeded,
      failed: record.failed,
      cancelled: record.cancelled,
      pending,
    },
    failures: Object.fromEntries(Object.entries(failures).map(([code, failed]) => [code as Code, Number(failed)])),
    itemsPerSecond: rate === null ? null : Math.round(rate * 10) / 10,
    etaSeconds: terminalStates.has(record.state) || rate === null ? null : Math.ceil(pending / rate),
    createdAt: timestamp(record.createdAt),
    startedAt: record.startedAt === undefined ? null : timestamp(record.startedAt),
    finishedAt: record.finishedAt === undefined ? null : timestamp(record.finishedAt),
    expiresAt: record.expiresAt === undefined ? null : timestamp(record.expiresAt),
    reason: record.reason ?? null,
    links: { self, results: `${self}/results` },
  };
}

const timestamp = (milliseconds: number): string => new Date(milliseconds).toISOString();
