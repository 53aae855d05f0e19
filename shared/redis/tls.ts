import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { type Config, ConfigError } from '../config.ts';

/** The directory with the certificates of a Redis over TLS. Without it, Node's trusted authorities apply. */
export type RedisTls = Partial<Pick<Config, 'redisTlsDir'>>;

/** As Kubernetes and cert-manager name the files in a mounted secret. */
const files = { ca: 'ca.crt', cert: 'tls.crt', key: 'tls.key' } as const;

/**
 * Returns the TLS options of a connection. A replaced file takes effect at the next start.
 * @throws {ConfigError} when the directory has none of the files, or a file cannot be read.
 */
export function tlsOptions({ redisTlsDir: directory }: RedisTls): ConnectionOptions {
  if (directory === undefined) return {};
  const present = Object.entries(files).filter(([, name]) => existsSync(join(directory, name)));
  if (present.length === 0) {
    throw new ConfigError(`REDIS_TLS_DIR: ${directory} has no ${Object.values(files).join(', ')}`);
  }
  return Object.fromEntries(present.map(([option, name]) => [option, read(join(directory, name))]));
}

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new ConfigError(`REDIS_TLS_DIR: ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
