import type { Hub } from '../models/pulling/hub.ts';
import type { Config } from '../shared/config.ts';

/**
 * The https hosts of the model hub. Private addresses are allowed for them, because a proxy on this machine can give
 * every host a private address.
 */
export const hubHosts = ['huggingface.co:443', '*.huggingface.co:443', 'hf.co:443', '*.hf.co:443'];

/**
 * Opens the model hub that the settings name. Requests to private addresses are refused, unless a configured proxy
 * sends them.
 */
export async function openHub(config: Config): Promise<Hub> {
  const [{ createGuardedFetch }, { chooseHub }] = await Promise.all([
    import('../images/guarded-fetch.ts'),
    import('../models/pulling/choose-hub.ts'),
  ]);
  const { hfEndpoint, hfHostsAllow, httpsProxy, httpProxy, noProxy } = config;
  const fetch = createGuardedFetch(hfEndpoint, {
    allow: [...hubHosts, ...hfHostsAllow],
    proxies: { https: httpsProxy, http: httpProxy, noProxy },
  });
  return await chooseHub(config, fetch);
}

/** Describes how the hub is reached: through the local cache, a directory, a direct connection or a proxy. */
export function describeRoute({ hfEndpoint, hfOfflineDir, hfHubOffline, httpsProxy, httpProxy }: Config): string {
  if (hfOfflineDir !== undefined) return 'a directory (HF_OFFLINE_DIR)';
  if (hfHubOffline) return 'the local cache of the Hugging Face tools (HF_HUB_OFFLINE)';
  const isSecure = new URL(hfEndpoint).protocol === 'https:';
  const proxy = isSecure ? (httpsProxy ?? httpProxy) : httpProxy;
  if (proxy === undefined) return 'directly';
  const address = URL.parse(proxy.includes('://') ? proxy : `http://${proxy}`);
  return `through the proxy ${address?.host ?? ''} (${isSecure && httpsProxy !== undefined ? 'HTTPS_PROXY' : 'HTTP_PROXY'})`;
}
