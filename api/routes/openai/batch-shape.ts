import { type BatchStatus, terminalStates } from '../../../shared/contracts/batch/status.ts';
import type { OpenAiBatch } from '../../../shared/contracts/openai-batches.ts';
import { ServiceError } from '../../../shared/errors.ts';

/** The output files of an ended batch: `output` has the lines with a response, `errors` the failed lines. */
export const outputParts = ['output', 'errors'] as const;
export type OutputPart = (typeof outputParts)[number];

export const openAiIdOf = (batchId: string): string => `batch_${batchId}`;

/** Converts OpenAI's batch id, `batch_<uuid>`, to the id in this service. @throws {ServiceError} `batch.not_found` */
export function batchIdOf(id: string): string {
  const [, batchId] = /^batch_([0-9a-f-]{36})$/.exec(id) ?? [];
  if (batchId !== undefined) return batchId;
  throw new ServiceError('batch.not_found', `There is no batch ${id.slice(0, 100)}`);
}

export const outputFileId = (batchId: string, part: OutputPart): string => `file-${part}-${batchId}`;

/** Returns the batch and output file that a file id names, or undefined for an uploaded file. */
export function outputOf(fileId: string): { batchId: string; part: OutputPart } | undefined {
  const [, part, batchId = ''] = /^file-(output|errors)-([0-9a-f-]{36})$/.exec(fileId) ?? [];
  return part === undefined ? undefined : { batchId, part: part as OutputPart };
}

export const secondsOf = (time: string): number => Math.floor(Date.parse(time) / 1000);

/**
 * Converts a batch status to OpenAI's format.
 * @throws {ServiceError} `batch.not_found` for a batch that was not posted through the OpenAI-compatible interface.
 */
export function toOpenAiBatch(status: BatchStatus): OpenAiBatch {
  const { id, requests, items, state, reason } = status;
  if (requests === null) throw new ServiceError('batch.not_found', `There is no batch ${openAiIdOf(id)}`);
  const hasEnded = terminalStates.has(state);
  const at = (time: string | null) => (time === null ? null : secondsOf(time));
  const finished = at(status.finishedAt);
  const shown = statusOf(status);
  return {
    id: openAiIdOf(id),
    object: 'batch',
    endpoint: requests.endpoint,
    model: status.model,
    errors:
      shown === 'failed'
        ? { object: 'list', data: [{ code: reason ?? 'failed', message: failureOf(status), param: null, line: null }] }
        : null,
    input_file_id: requests.inputFileId,
    completion_window: requests.window,
    status: shown,
    output_file_id: hasEnded && items.succeeded > 0 ? outputFileId(id, 'output') : null,
    error_file_id: hasEnded && items.failed > 0 ? outputFileId(id, 'errors') : null,
    created_at: secondsOf(status.createdAt),
    in_progress_at: at(status.startedAt),
    expires_at: at(status.expiresAt),
    finalizing_at: null,
    completed_at: shown === 'completed' ? finished : null,
    failed_at: shown === 'failed' ? finished : null,
    expired_at: null,
    cancelling_at: null,
    cancelled_at: shown === 'cancelled' ? finished : null,
    request_counts: { total: items.total, completed: items.succeeded, failed: items.failed },
    metadata: requests.metadata,
  };
}

function statusOf({ state, phase, reason }: BatchStatus): OpenAiBatch['status'] {
  if (phase === 'stopping') return 'cancelling';
  switch (state) {
    case 'accepting':
    case 'queued':
      return 'validating';
    case 'running':
      return 'in_progress';
    case 'cancelled':
      return 'cancelled';
    case 'failed':
      // In OpenAI's API, a batch whose lines all failed is `completed`.
      return reason === 'all_failed' ? 'completed' : 'failed';
    default:
      return 'completed';
  }
}

const failureOf = ({ waitingFor, inputError, reason }: BatchStatus): string =>
  inputError?.message ?? waitingFor ?? `The batch failed: ${reason}`;
