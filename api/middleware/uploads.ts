import type { RequestHandler } from 'express';
import { ServiceError } from '../../shared/errors.ts';
import { createFairPlaces, type FairPlacesOptions } from '../../shared/fair-places.ts';
import { ownerOf } from '../access/owner.ts';
import { clientGone } from '../client-gone.ts';
import { watchSender } from './slow-senders.ts';

export interface UploadOptions extends Pick<Partial<FairPlacesOptions>, 'places' | 'guaranteed'> {
  /** The maximum time in ms that an upload waits to be read, before it is refused. */
  patienceMs?: number;
}

/**
 * Limits the uploads that are read simultaneously: each may hold a line of 32 MiB and chunks of 8 MiB in memory.
 * Waiting uploads need none.
 * @throws {ServiceError} `overloaded`; `request.timeout` for a sender below the minimum pace.
 */
export function createUploads({
  places = 16,
  guaranteed = 2,
  patienceMs = 20_000,
}: UploadOptions = {}): RequestHandler {
  const uploads = createFairPlaces({ places, guaranteed, maxWaiting: 1_000 });
  return async (request, response, next) => {
    const late = new AbortController();
    const timer = setTimeout(() => {
      const message = `The service is already reading ${places} uploads, the maximum; retry shortly`;
      late.abort(new ServiceError('overloaded', message, { retryAfter: 2 }));
    }, patienceMs);
    const gone = clientGone(response);
    const release = await uploads
      .take(ownerOf(request), AbortSignal.any([gone, late.signal]))
      .finally(() => clearTimeout(timer));
    if (response.closed) return release();
    response.on('close', release);
    request.on('end', release);
    watchSender(request, response, () => {
      release();
      next(new ServiceError('request.timeout', 'The body took too long to arrive'));
    });
    next();
  };
}
