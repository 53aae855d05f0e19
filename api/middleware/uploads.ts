import type { RequestHandler } from 'express';
import { ServiceError } from '../../shared/errors.ts';
import { createFairPlaces } from '../../shared/fair-places.ts';
import { ownerOf } from '../access/owner.ts';
import { clientGone } from '../client-gone.ts';
import { watchSender } from './slow-senders.ts';

export interface UploadOptions {
  /** Uploads that are read at a time. Each may hold a line of 32 MiB, and chunks of 8 MiB. */
  places?: number;
  /** Of these, what a tenant gets though others hold all. */
  guaranteed?: number;
  /** How long an upload waits for its place before it is refused, in milliseconds. */
  patienceMs?: number;
}

/**
 * Bounds the uploads that are read at the same time. The others wait unread, which costs a connection and no memory. An
 * upload holds its place until its body has been read.
 * @throws {ServiceError} `overloaded`; `request.timeout` for a sender that is too slow.
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
      const message = 'As many uploads are being read as can be at the same time';
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
