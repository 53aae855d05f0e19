import { randomUUID } from 'node:crypto';
import type { BatchStatus } from '../../shared/contracts/batch.ts';
import type { ServiceClient } from '../client.ts';
import { UsageError } from '../failures.ts';
import type { RunOptions } from './run.ts';

/** Whether what is to be scored lies in a bucket, where the service reads it. */
export const isReference = (file: string): boolean => file.startsWith('s3://');

/** What is said of rows that this machine reads, and means nothing for those that the service reads. */
const onlyHere = ['images', 'serverFiles', 'limit', 'again'] as const;

/**
 * Posts a batch by reference.
 * @throws {UsageError} for options that are for files of this machine.
 */
export async function postReference(
  client: ServiceClient,
  options: RunOptions,
  signal: AbortSignal,
): Promise<BatchStatus> {
  const unfit = onlyHere.find((name) => options[name] !== undefined && options[name] !== false);
  if (unfit !== undefined) {
    const flag = unfit.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new UsageError(`--${flag} is for files of this machine; ${options.file} is read by the service`);
  }
  const { file, out, model, priority, maxFailures, maxFailureShare, delimiter, encoding, strict } = options;
  const { imageColumn, textColumn, idColumn } = options;
  const failureBudget = { count: maxFailures, share: maxFailureShare };
  const body = {
    input: file,
    output: out,
    model,
    priority,
    delimiter,
    encoding,
    columns: { image: imageColumn, text: textColumn, id: idColumn },
    ...((maxFailures ?? maxFailureShare) !== undefined && { failureBudget }),
  };
  return await client.json<BatchStatus>(`/v1/evaluation/batch?strict=${strict}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': randomUUID() },
    body: () => JSON.stringify(body),
    signal,
  });
}
