import { isIPv4 } from 'node:net';
import { type Config, ConfigError } from '../shared/config.ts';

type BindConfig = Pick<Config, 'host' | 'allowAnonymous' | 'apiKeys' | 'apiKeysFile'>;

/**
 * Without keys everything is open, so the API stays on loopback unless somebody says in so many words that it need not.
 * @throws {ConfigError}
 */
export function checkBindRule({ host, allowAnonymous, apiKeys, apiKeysFile }: BindConfig): void {
  if (apiKeysFile !== undefined || apiKeys.length > 0) return;
  const loopback = host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
  if (loopback || allowAnonymous) return;
  throw new ConfigError(
    `HOST=${host} is not a loopback address, and whoever can reach it needs no key; set API_KEYS_FILE to ask for keys, or ALLOW_ANONYMOUS=1 if that is meant`,
  );
}
