import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import { formatOfFile } from '../../shared/formats.ts';
import { formatTop } from '../../shared/top.ts';
import type { ServiceClient } from '../client.ts';
import { UsageError } from '../failures.ts';
import { wholeId } from '../whole-id.ts';
import type { KeepFlags } from './keep-flags.ts';
import type { RunOptions } from './run.ts';

/** Returns true for an input in a bucket, which the service itself reads. */
export const isReference = (file: string): boolean => file.startsWith('s3://');

/**
 * Returns the output folder for each object (a file in a bucket). With several objects, each gets a subfolder.
 * @throws {UsageError} when two objects would have the same folder.
 */
export function outputsOfReferences(files: readonly string[], out: string | undefined): (string | undefined)[] {
  if (out === undefined || files.length === 1) return files.map(() => out);
  const parent = out.endsWith('/') ? out : `${out}/`;
  const folders = files.map((file) => `${parent}${basename(formatOfFile(file)?.stem ?? file)}/`);
  const twice = folders.find((folder, at) => folders.indexOf(folder) !== at);
  if (twice !== undefined)
    throw new UsageError(`The results of two input objects would be written to ${twice}; rename one of the objects`);
  return folders;
}

const localOnlyOptions = ['images', 'serverFiles', 'limit', 'again'] as const;

/**
 * Posts a batch by reference.
 * @throws {UsageError} for options that apply only to files of this machine.
 */
export async function postReference(
  client: ServiceClient,
  options: RunOptions & Pick<KeepFlags, 'minScore' | 'top'>,
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
  const { imageColumn, textColumn, idColumn, minScore, top } = options;
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
    ...((minScore !== undefined || top !== undefined) && { keep: { minScore, top: top && formatTop(top) } }),
    ...{ embeddings, embeddingPrecision },
    imagesFrom: imagesFrom === undefined ? undefined : await wholeId(client, imagesFrom),
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
