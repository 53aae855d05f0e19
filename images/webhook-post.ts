import { request } from 'undici';
import type { Config } from '../shared/config.ts';
import { createAddressGuard } from './address-guard.ts';
import { createGuardedAgent } from './guarded-agent.ts';
import { createNameLookup } from './name-lookup.ts';

/** Posts to addresses that clients named, behind the same guard as the images they name. */
export interface WebhookPost {
  /** Resolves for an answer of 2xx; redirects are not followed, as receivers must not be moved by an answer. */
  post(url: string, body: string, headers: Record<string, string>): Promise<void>;
  close(): Promise<void>;
}

export type WebhookConfig = Pick<Config, 'webhookHostsAllow' | 'webhookHostsDeny'>;

const timeoutMs = 15_000;

/** @throws {ConfigError} for an entry of the lists that is no host. */
export function createWebhookPost(config: WebhookConfig, lookup = createNameLookup()): WebhookPost {
  const guard = createAddressGuard(config.webhookHostsAllow, { deny: config.webhookHostsDeny, settings: 'WEBHOOK' });
  const agent = createGuardedAgent({ guard, lookup, idleMs: timeoutMs, connectionsPerHost: 4 });
  return {
    async post(address, body, headers) {
      const url = new URL(address);
      guard.checkUrl(url);
      const signal = AbortSignal.timeout(timeoutMs);
      const response = await request(url, { dispatcher: agent, signal, method: 'POST', headers, body });
      await response.body.dump();
      if (response.statusCode < 200 || response.statusCode > 299)
        throw new Error(`${response.statusCode} from ${url.host}`);
    },
    close: () => agent.close(),
  };
}
