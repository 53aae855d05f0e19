import {
  type EmbeddingKind,
  type EmbeddingsFormat,
  type Kept,
  kindsOf,
} from '../../shared/contracts/batch/embeddings.ts';
import type { BatchStatus } from '../../shared/contracts/batch/status.ts';
import { formatOfFile } from '../../shared/formats.ts';
import type { ServiceClient } from '../client.ts';
import { saveResponse } from '../download.ts';
import { failureOf } from '../failures.ts';
import type { Progress } from '../progress.ts';

/** A file of image or text embeddings, in the order of the rows of the output. */
export interface EmbeddingFile {
  kind: EmbeddingKind;
  path: string;
}

/** Returns the embedding files of an output, such as `pairs.scores.image.npy` in its folder. */
export function embeddingFilesOf(
  output: string,
  embeddings: Kept | undefined,
  format: EmbeddingsFormat,
): EmbeddingFile[] {
  const stem = formatOfFile(output)?.stem ?? output;
  return (embeddings === undefined ? [] : kindsOf(embeddings)).map((kind) => ({
    kind,
    path: `${stem}.${kind}.${format}`,
  }));
}

export interface EmbeddingDeps {
  client: ServiceClient;
  progress: Progress;
  signal: AbortSignal;
}

/** The maximum number of attempts to download an embedding file. */
const attempts = 3;

/** Downloads the embeddings of a batch to files. A file gets its name only when it is complete. */
export async function writeEmbeddings(
  { client, progress, signal }: EmbeddingDeps,
  { id }: Pick<BatchStatus, 'id'>,
  files: readonly EmbeddingFile[],
  format: EmbeddingsFormat,
): Promise<void> {
  for (const { kind, path } of files) {
    for (let attempt = 1; ; attempt++) {
      try {
        const query = new URLSearchParams({ kind, format });
        const response = await client.open(`/v1/evaluation/batch/${id}/embeddings?${query}`, { signal });
        await saveResponse(response, path, client);
        break;
      } catch (error) {
        signal.throwIfAborted();
        if (failureOf(error).code !== 'service.unreachable' || attempt === attempts) throw error;
        progress.say(`the connection broke while ${path} was read; reading it again`);
      }
    }
  }
}
