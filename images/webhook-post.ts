import { request } from 'undici';
import type { Config } from '../shared/config.ts';
import { createAddressGuard } from './address-guard.ts';
import { readRetryAfter } from './fetch-failure.ts';
import { createGuardedAgent } from './guarded-agent.ts';
import { createNameLookup } from './name-lookup.ts';
import { userAgent } from './user-agent.ts';

/** Posts to addresses that clients named, behind the same guard as the images they name. */
export interface WebhookPost {
  /**
   * Redirects are not followed, as receivers must not be moved by an answer.
   * @returns the status and, in milliseconds from now, when the receiver wants to be asked again.
   * @throws {ServiceError} `image.*` for an address that may not be asked; another error for a receiver out of reach.
   */
  post(
    url: string,
    body: string,
    headers: Record<string, string>,
  ): Promise<{ status: number; retryAfterMs: number | undefined }>;
  close(): Promise<void>;
}

export type WebhookConfig = Pick<Config, 'webhookHostsAllow' | 'webhookHostsDeny'>;

const timeoutMs = 15_000;

const guardOf = (config: WebhookConfig) =>
  createAddressGuard(config.webhookHostsAllow, { deny: config.webhookHostsDeny, settings: 'WEBHOOK' });

/**
 * Checks the addresses of webhooks before any lookup, so that one that is known to be refused is refused at the post.
 * @returns a check that throws {@link ServiceError} `image.source_invalid`, `image.fetch.blocked_address`.
 * @throws {ConfigError} for an entry of the lists that is no host.
 */
export function createWebhookCheck(config: WebhookConfig): (address: string) => void {
  const guard = guardOf(config);
  return (address) => guard.checkUrl(new URL(address));
}

/** @throws {ConfigError} for an entry of the lists that is no host. */
export function createWebhookPost(config: WebhookConfig, lookup = createNameLookup()): WebhookPost {
  const guard = guardOf(config);
  const agent = createGuardedAgent({ guard, lookup, idleMs: timeoutMs, connectionsPerHost: 4 });
  return {
    async post(address, body, headers) {
      const url = new URL(address);
      guard.checkUrl(url);
      const signal = AbortSignal.timeout(timeoutMs);
      const response = await request(url, {
        dispatcher: agent,
        signal,
        method: 'POST',
        headers: { 'user-agent': userAgent, ...headers },
        body,
      });
      await response.body.dump();
      const retryAfter = readRetryAfter(response.headers['retry-after']);
      return { status: response.statusCode, retryAfterMs: retryAfter && 1000 * retryAfter };
    },
    close: () => agent.close(),
  };
}
