import { randomUUID } from 'node:crypto';
import type { BatchStatus } from '../../shared/contracts/batch.ts';
import type { ServiceClient } from '../client.ts';
import { UsageError } from '../failures.ts';
import type { RunOptions } from './run.ts';

/** Returns true for an input in a bucket. The service itself reads such an input. */
export const isReference = (file: string): boolean => file.startsWith('s3://');

/** Options that apply only when this machine reads the rows. */
const localOnlyOptions = ['images', 'serverFiles', 'limit', 'again'] as const;

/**
 * Posts a batch by reference.
 * @throws {UsageError} for options that apply only to files of this machine.
 */
export async function postReference(
  client: ServiceClient,
  options: RunOptions,
  signal: AbortSignal,
): Promise<BatchStatus> {
  const misplaced = localOnlyOptions.find((name) => options[name] !== undefined && options[name] !== false);
  if (misplaced !== undefined) {
    const flag = misplaced.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new UsageError(`--${flag} is for files on this machine, but the service itself reads ${options.file}`);
  }
  const {
    file,
    out,
    name,
    tag: tags,
    model,
    priority,
    maxFailures,
    maxFailureShare,
    delimiter,
    encoding,
    strict,
    embeddings,
    embeddingPrecision,
    imagesFrom,
  } = options;
  const { imageColumn, textColumn, idColumn } = options;
  const failureBudget = { count: maxFailures, share: maxFailureShare };
  const body = {
    input: file,
    output: out,
    name,
    tags,
    model,
    priority,
    delimiter,
    encoding,
    ...{ embeddings, embeddingPrecision, imagesFrom },
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
