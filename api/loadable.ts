import type { Pinned } from '../batches/store/record.ts';
import type { LoadedModel } from '../models/pool/encoders.ts';
import { ServiceError } from '../shared/errors.ts';

/**
 * The time in s after which a client should retry. The service tries again to load a failed model within five minutes.
 */
const retryAfter = 300;

/**
 * Refuses a batch for a model that could not be loaded, for example because its self-test failed. Otherwise the batch
 * would wait without being evaluated.
 * @param loaded the models that this process has tried to load. A model that is not among them is accepted.
 * @throws {ServiceError} `model.unavailable`
 */
export function checkLoadable(
  pinned: Pick<Pinned, 'model' | 'revision' | 'traffic'>,
  loaded: readonly Pick<LoadedModel, 'model' | 'revision' | 'state' | 'detail'>[],
): void {
  // A canary (a model on trial) is not checked. If it has failed, the main model answers instead.
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
