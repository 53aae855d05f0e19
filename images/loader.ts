import { existsSync } from 'node:fs';
import { type Config, ConfigError } from '../shared/config.ts';
import type { ImageSource } from '../shared/contracts/item.ts';
import { type Code, ServiceError } from '../shared/errors.ts';
import { isPath } from '../shared/path-source.ts';
import { createAddressGuard, type GuardOptions } from './address-guard.ts';
import { createFetcher } from './fetcher.ts';
import { readImageFile } from './file.ts';
import { decodeBase64, decodeDataUri } from './inline.ts';
import type { LoadOptions } from './load-options.ts';
import { describeSource } from './source-message.ts';

export interface ImageLoader {
  /**
   * Returns the encoded image as it was sent. Only its size has been checked.
   * @throws {ServiceError} an `image.*` code; the reason of the signal when it aborts.
   */
  load(source: ImageSource, options?: LoadOptions): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Other ports need an entry in IMAGE_HOSTS_ALLOW. */
const publicPorts = [80, 443];

export type ImageConfig = Pick<
  Config,
  'imageHostsAllow' | 'imageHostsDeny' | 'imageFileRoots' | 'imageMaxBytes' | 'fetchTimeoutMs' | 'fetchPerHost'
>;

/**
 * @param onRetry called with the error code before each retry of a download.
 * @param onRefused called with a host name that resolves to a refused address, and with that address.
 * @throws {ConfigError} for a root directory that does not exist, and for an invalid entry in the host lists.
 */
export function createImageLoader(
  config: ImageConfig,
  onRetry?: (code: Code) => void,
  onRefused?: GuardOptions['onRefused'],
): ImageLoader {
  const maxBytes = config.imageMaxBytes;
  for (const { path } of config.imageFileRoots) {
    if (!existsSync(path)) throw new ConfigError(`IMAGE_FILE_ROOTS: there is no directory ${path}`);
  }
  const rootsOf = (requester: string | undefined) =>
    config.imageFileRoots.filter(({ tenant }) => tenant === '*' || tenant === requester).map(({ path }) => path);
  const guard = createAddressGuard(config.imageHostsAllow, {
    deny: config.imageHostsDeny,
    ports: publicPorts,
    onRefused,
  });
  const fetcher = createFetcher({
    guard,
    maxBytes,
    timeoutMs: config.fetchTimeoutMs,
    connectionsPerHost: config.fetchPerHost,
    onRetry,
  });

  const loadString = async (source: string, options: LoadOptions): Promise<Uint8Array> => {
    if (/^https?:/i.test(source)) return await fetcher.fetch(source, options);
    if (/^data:/i.test(source)) return decodeDataUri(source, maxBytes);
    const scheme = /^([a-z][a-z0-9+.-]{1,30}):/i.exec(source)?.[1];
    if (scheme !== undefined) {
      throw new ServiceError('image.source_invalid', `Only http and https URLs are fetched, not ${scheme}:`);
    }
    if (isPath(source)) throw new ServiceError('image.source_invalid', describeSource(source));
    return decodeBase64(source, maxBytes);
  };

  return {
    async load(source, options = {}) {
      if (typeof source === 'string') return await loadString(source.trim(), options);
      if ('url' in source) return await fetcher.fetch(source.url, options);
      if ('base64' in source) {
        const text = source.base64.trim();
        return /^data:/i.test(text) ? decodeDataUri(text, maxBytes) : decodeBase64(text, maxBytes);
      }
      return await readImageFile(source.file, rootsOf(options.tenant), maxBytes);
    },
    close: () => fetcher.close(),
  };
}
