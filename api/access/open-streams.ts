import type { Request, Response } from 'express';
import { ServiceError } from '../../shared/errors.ts';
import { clientGone } from '../client-gone.ts';
import type { Access } from './authenticate.ts';
import { principalOf } from './principal.ts';
import { tenantOf } from './tenant.ts';

/** Counts long responses: event streams, streamed results, and posts that wait for the end of their batch. */
export interface OpenStreams {
  /**
   * Counts a stream of the tenant until its response closes.
   * @returns a signal that aborts when the client disconnects, its key is removed or its session ends.
   * @throws {ServiceError} `tenant.too_many_streams`
   */
  open(request: Request, response: Response): AbortSignal;
}

/**
 * The default maximum number of streams per tenant and process when API keys are required: a sixteenth of the default
 * maximum number of connections. `vls keys add --streams` sets another.
 */
const defaultStreams = 500;
/** The time in ms between two checks that the client still has access. */
const recheckMs = 1_000;

/** Creates the counter of the open streams of this process. Each process has its own limit, because a stream uses
 * connections and memory of its process. */
export function createOpenStreams(access: Pick<Access, 'isStillAllowed'>, keysRequired: boolean): OpenStreams {
  const counts = new Map<string, number>();

  return {
    open(request, response) {
      // A closed response does not emit `close` again, so the count would never decrease.
      if (response.closed) return clientGone(response);
      const tenant = tenantOf(request);
      const count = counts.get(tenant) ?? 0;
      const most = principalOf(request)?.limits?.streams ?? (keysRequired ? defaultStreams : 0);
      if (most > 0 && count >= most) {
        throw new ServiceError(
          'tenant.too_many_streams',
          `The tenant ${tenant} has reached its limit of ${most} open streams; close a stream or retry later`,
          {
            retryAfter: 5,
          },
        );
      }
      counts.set(tenant, count + 1);
      const revoked = new AbortController();
      const recheck = async () => {
        // While Redis is unreachable, sessions cannot be checked, and the client keeps its access.
        const isAllowed = await access.isStillAllowed(request).catch(() => true);
        if (response.closed) return;
        if (isAllowed) timer = setTimeout(recheck, recheckMs);
        else revoked.abort(new ServiceError('access.key_invalid', 'The API key was removed, or the session has ended'));
      };
      let timer = setTimeout(recheck, recheckMs);
      response.on('close', () => {
        clearTimeout(timer);
        const left = (counts.get(tenant) ?? 1) - 1;
        if (left > 0) counts.set(tenant, left);
        else counts.delete(tenant);
      });
      return AbortSignal.any([clientGone(response), revoked.signal]);
    },
  };
}
