import type { Pinned } from '../batches/store/record.ts';
import type { LoadedModel } from '../models/pool/encoders.ts';
import { ServiceError } from '../shared/errors.ts';

/** The time in s after which clients should retry. Failed models are loaded again within five minutes. */
const retryAfter = 300;

/**
 * Refuses a batch for a model that failed to load, because the batch would wait without being evaluated.
 * @param loaded models that this process tried to load. Other models are accepted.
 * @throws {ServiceError} `model.unavailable`
 */
export function checkLoadable(
  pinned: Pick<Pinned, 'model' | 'revision' | 'traffic'>,
  loaded: readonly Pick<LoadedModel, 'model' | 'revision' | 'state' | 'detail'>[],
): void {
  // A canary (a model on trial) may fail, because the main model then answers instead.
  const wanted = pinned.traffic?.arms.filter(({ role }) => role !== 'canary') ?? [pinned];
  for (const { model, revision } of wanted) {
    const found = loaded.find((one) => one.model === model && one.revision === revision);
    if (found?.state !== 'failed') continue;
    throw new ServiceError(
      'model.unavailable',
      `${model} cannot be loaded: ${found.detail ?? 'the log of the service has the cause'}`,
      {
        retryAfter,
      },
    );
  }
}
