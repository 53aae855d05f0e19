import type { Pinned } from '../batches/store/record.ts';
import type { LoadedModel } from '../models/pool/encoders.ts';
import { ServiceError } from '../shared/errors.ts';

/** A client may ask again after this time, in seconds: a model that could not be loaded is tried again every five minutes. */
const retryAfter = 300;

/**
 * Refuses a batch for a model that is known not to load, such as one that fails its self-test: it would wait in vain.
 * @param loaded the models of this process; one that it has not tried to load says nothing.
 * @throws {ServiceError} `model.unavailable`
 */
export function checkLoadable(
  pinned: Pick<Pinned, 'model' | 'revision' | 'traffic'>,
  loaded: readonly Pick<LoadedModel, 'model' | 'revision' | 'state' | 'detail'>[],
): void {
  // The main model answers for a canary that cannot be used.
  const wanted = pinned.traffic?.arms.filter(({ role }) => role !== 'canary') ?? [pinned];
  for (const { model, revision } of wanted) {
    const found = loaded.find((one) => one.model === model && one.revision === revision);
    if (found?.state !== 'failed') continue;
    throw new ServiceError('model.unavailable', `${model} cannot be loaded: ${found.detail ?? 'the log says why'}`, {
      retryAfter,
    });
  }
}
