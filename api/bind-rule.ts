import { isIPv4 } from 'node:net';
import { type Config, ConfigError } from '../shared/config.ts';

type BindConfig = Pick<Config, 'host' | 'allowAnonymous' | 'apiKeys' | 'apiKeysFile'>;

/** Refuses to serve a non-loopback address without API keys. @throws {ConfigError} */
export function checkBindRule({ host, allowAnonymous, apiKeys, apiKeysFile }: BindConfig): void {
  if (apiKeysFile !== undefined || apiKeys.length > 0) return;
  const isLoopback = host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
  if (isLoopback || allowAnonymous) return;
  throw new ConfigError(
    `HOST=${host} is not a loopback address, and the service has no API keys; set API_KEYS_FILE to require keys, or ALLOW_ANONYMOUS=1 to serve everybody`,
  );
}
