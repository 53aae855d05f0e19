import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../shared/config.ts';
import { folderHub } from './folder-hub.ts';
import { type Fetch, httpHub } from './http-hub.ts';
import type { Hub } from './hub.ts';
import { PullError } from './pull-error.ts';

export type HubConfig = Pick<Config, 'hfEndpoint' | 'hfToken' | 'hfOfflineDir' | 'hfHubOffline' | 'hfHome'>;

/**
 * Returns the hub that the settings choose: a directory (`HF_OFFLINE_DIR`), the cache of the Hugging Face tools
 * (`HF_HUB_OFFLINE`), or a server (`HF_ENDPOINT`).
 * @param fetch refuses forbidden addresses, because a hub redirects to hosts that the operator has not chosen.
 */
export async function chooseHub(config: HubConfig, fetch: Fetch): Promise<Hub> {
  if (config.hfOfflineDir !== undefined) return folderHub(config.hfOfflineDir);
  if (config.hfHubOffline) return offline(folderHub(join(homeOf(config), 'hub')));
  return httpHub({ endpoint: config.hfEndpoint, token: config.hfToken ?? (await tokenIn(tokenFileOf(config))), fetch });
}

const homeOf = ({ hfHome }: HubConfig) => hfHome ?? join(homedir(), '.cache', 'huggingface');
const tokenFileOf = (config: HubConfig) => join(homeOf(config), 'token');

/** A missing, empty or malformed file counts as no token, because most downloads need none. */
async function tokenIn(file: string): Promise<string | undefined> {
  const content = (await readFile(file, 'utf8').catch(() => '')).trim();
  return /^[\x21-\x7e]+$/.test(content) ? content : undefined;
}

/** Adds the setting that forbids downloads to the error messages of the local cache. */
function offline(cache: Hub): Hub {
  return {
    ...cache,
    search: async () => {
      throw new PullError(
        'offline',
        'HF_HUB_OFFLINE is set, so the hub cannot be searched',
        'Unset it to search the hub.',
      );
    },
    async facts(file, signal) {
      try {
        return await cache.facts(file, signal);
      } catch (error) {
        if (!(error instanceof PullError) || error.code !== 'not_found') throw error;
        const advice =
          'Unset HF_HUB_OFFLINE and TRANSFORMERS_OFFLINE to ask the hub, or set HF_OFFLINE_DIR to a copied cache.';
        throw new PullError('offline', `HF_HUB_OFFLINE is set: ${error.message}`, advice, { cause: error });
      }
    },
  };
}
