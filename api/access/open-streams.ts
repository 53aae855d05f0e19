import type { Request, Response } from 'express';
import type { Config } from '../../shared/config.ts';
import { ServiceError } from '../../shared/errors.ts';
import { clientGone } from '../client-gone.ts';
import type { Access } from './authenticate.ts';
import { tenantOf } from './tenant.ts';

/** Answers that go on: event streams, streamed results, posts that wait for the end of their batch. */
export interface OpenStreams {
  /**
   * Takes one of the tenant's places, until the response is closed.
   * @returns aborted when the client goes away, or may no longer be answered: its key was removed, its session ended.
   * @throws {ServiceError} `tenant.too_many_streams`
   */
  open(request: Request, response: Response): AbortSignal;
}

/** Long answers of a tenant at a time, where keys are needed and nothing else is said. */
const defaultAnswers = 500;
/** How soon an answer ends once its client may not be answered any more, in milliseconds. */
const lookMs = 1_000;

/** Counted in this process alone: what they take is its connections and memory. */
export function createOpenStreams(
  access: Pick<Access, 'isStillAllowed'>,
  { tenantStreams }: Pick<Config, 'tenantStreams'>,
  keysRequired: boolean,
): OpenStreams {
  const most = tenantStreams ?? (keysRequired ? defaultAnswers : 0);
  const counts = new Map<string, number>();

  return {
    open(request, response) {
      // It would never be told of the close, and keep its place.
      if (response.closed) return clientGone(response);
      const tenant = tenantOf(request);
      const count = counts.get(tenant) ?? 0;
      if (most > 0 && count >= most) {
        throw new ServiceError(
          'tenant.too_many_streams',
          `${tenant} follows, reads or waits for batches on ${count} connections, the most there may be`,
          { retryAfter: 5 },
        );
      }
      counts.set(tenant, count + 1);
      const lost = new AbortController();
      const look = async () => {
        // Redis may be away, and then nobody can tell: whoever was let in stays.
        const isIn = await access.isStillAllowed(request).catch(() => true);
        if (response.closed) return;
        if (isIn) timer = setTimeout(look, lookMs);
        else lost.abort(new ServiceError('access.key_invalid', 'The API key was removed, or the session has ended'));
      };
      let timer = setTimeout(look, lookMs);
      response.on('close', () => {
        clearTimeout(timer);
        const left = (counts.get(tenant) ?? 1) - 1;
        if (left > 0) counts.set(tenant, left);
        else counts.delete(tenant);
      });
      return AbortSignal.any([clientGone(response), lost.signal]);
    },
  };
}
