import { createHash, randomBytes } from 'node:crypto';
import { parseCookie, stringifySetCookie } from 'cookie';
import type { Request, Response } from 'express';
import { prefix } from '../../shared/contracts/paths.ts';
import { loadScript } from '../../shared/lua.ts';
import { sessionKey } from '../../shared/redis/keys.ts';
import { type Redis, withRedis } from '../../shared/redis.ts';

/** Sessions of signed-in browsers, stored in Redis for all API processes. */
export interface Sessions {
  start(request: Request, response: Response, keyId: string): Promise<void>;
  /** Returns the id of the key that started the session, or undefined without a valid session. */
  keyIdOf(request: Request): Promise<string | undefined>;
  end(request: Request, response: Response): Promise<void>;
}

const startSession = loadScript(new URL('./lua/start-session.lua', import.meta.url));

const cookieName = 'vls_session';
/** The time in s after which a browser must sign in again: longer than a working day. */
const lifetimeSeconds = 12 * 3600;

/**
 * Creates the session store. While Redis is unreachable, requests with a session cookie fail with `queue.unavailable`.
 */
export function createSessions(redis: Redis): Sessions {
  /**
   * Returns the token of the session cookie. Another service may have set a cookie of this name, because browsers send
   * cookies to all ports of a host.
   */
  const tokenOf = (request: Request): string | undefined => {
    const token = parseCookie(request.get('cookie') ?? '')[cookieName];
    return token !== undefined && /^[A-Za-z0-9_-]{43}$/.test(token) ? token : undefined;
  };
  const cookie = (request: Request, value: string, maxAge: number): string =>
    stringifySetCookie({
      name: cookieName,
      value,
      path: prefix,
      httpOnly: true,
      sameSite: 'strict',
      secure: request.secure,
      maxAge,
    });
  // Only a hash of the token is stored, so that read access to Redis gives no access to sessions.
  const keyOf = (token: string): string => sessionKey(redis, createHash('sha256').update(token).digest('base64url'));

  return {
    async start(request, response, keyId) {
      const former = tokenOf(request);
      const token = randomBytes(32).toString('base64url');
      await withRedis(redis, async () => {
        await startSession(redis, [keyOf(token)], [keyId, lifetimeSeconds]);
        if (former !== undefined) await redis.del(keyOf(former));
      });
      response.append('Set-Cookie', cookie(request, token, lifetimeSeconds));
    },
    async keyIdOf(request) {
      const token = tokenOf(request);
      if (token === undefined) return undefined;
      return await withRedis(redis, async () => (await redis.get(keyOf(token))) ?? undefined);
    },
    async end(request, response) {
      const token = tokenOf(request);
      if (token !== undefined) await withRedis(redis, () => redis.del(keyOf(token)));
      response.append('Set-Cookie', cookie(request, '', 0));
    },
  };
}
