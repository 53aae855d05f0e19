import { request } from 'undici';
import type { Config } from '../shared/config.ts';
import { createAddressGuard } from './address-guard.ts';
import { readRetryAfter } from './fetch-failure.ts';
import { createGuardedAgent } from './guarded-agent.ts';
import { createNameLookup } from './name-lookup.ts';
import { userAgent } from './user-agent.ts';

/** Posts webhooks to URLs that clients chose, which an address guard checks like image URLs. */
export interface WebhookPost {
  /**
   * Sends one POST. Redirects are not followed: a response must not direct the webhook to another receiver.
   * @returns the HTTP status, and the time in ms after which the receiver requests a retry.
   * @throws {ServiceError} `image.*` for a URL that is not allowed. Throws another error for a receiver that cannot be
   * reached.
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
 * Creates a check without a DNS lookup, so that a batch with a forbidden webhook URL is refused when it is posted.
 * @returns a function that throws {@link ServiceError} `image.source_invalid` or `image.fetch.blocked_address`.
 * @throws {ConfigError} for an invalid entry in the host lists.
 */
export function createWebhookCheck(config: WebhookConfig): (address: string) => void {
  const guard = guardOf(config);
  return (address) => guard.checkUrl(new URL(address));
}

/** @throws {ConfigError} for an invalid entry in the host lists. */
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
