import { kindsOf } from '../../shared/contracts/batch/embeddings.ts';
import { terminalStates } from '../../shared/contracts/batch/status.ts';
import { ServiceError } from '../../shared/errors.ts';
import { type BatchRecord, type Pinned, pinnedOf } from '../store/record.ts';

/** The properties of the model that must be equal, so that a batch can use the image embeddings of another. */
const compared = ['model', 'revision', 'precision', 'preprocess'] as const;

export type ImagesFrom = { pinned: Pinned; dimensions: number };

/**
 * Returns the model of an earlier batch for a batch that uses its stored image embeddings.
 * @param asked the model that the new batch names, if any.
 * @throws {ServiceError} `batch.no_embeddings`, `batch.not_finished`, `batch.other_model`
 */
export function pinnedByImages(batch: BatchRecord, asked: Pinned | undefined): ImagesFrom {
  const { id, state, embeddings, dimensions } = batch;
  if (embeddings === undefined || dimensions === undefined || !kindsOf(embeddings).includes('image')) {
    throw new ServiceError(
      'batch.no_embeddings',
      `Batch ${id} stores no embeddings of its images; post it with \`embeddings\` as \`image\` or \`both\``,
    );
  }
  if (!terminalStates.has(state)) {
    throw new ServiceError(
      'batch.not_finished',
      `Batch ${id} is still running; its images can be used when it has ended`,
      {
        retryAfter: 5,
      },
    );
  }
  const unlike = asked && compared.find((name) => asked[name] !== batch[name]);
  if (asked !== undefined && unlike !== undefined) {
    throw new ServiceError(
      'batch.other_model',
      `Batch ${id} has the ${unlike} ${batch[unlike]}, but this request asks for ${asked[unlike]}; leave out \`model\` to use the model of that batch`,
    );
  }
  return { pinned: { ...pinnedOf(batch), traffic: undefined }, dimensions };
}
