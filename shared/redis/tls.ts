import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { type Config, ConfigError } from '../config.ts';

/** Files about the certificates of a Redis over TLS; without them Node.js' own authorities and no certificate of ours. */
export type RedisTlsFiles = Partial<Pick<Config, 'redisCaFile' | 'redisCertFile' | 'redisKeyFile'>>;

/**
 * What a connection over TLS is made with. Read once: a file that is replaced is seen at the next start.
 * @throws {ConfigError} when a file cannot be read.
 */
export function tlsOptions({ redisCaFile, redisCertFile, redisKeyFile }: RedisTlsFiles): ConnectionOptions {
  return {
    ...(redisCaFile !== undefined && { ca: read('REDIS_CA_FILE', redisCaFile) }),
    ...(redisCertFile !== undefined && { cert: read('REDIS_CERT_FILE', redisCertFile) }),
    ...(redisKeyFile !== undefined && { key: read('REDIS_KEY_FILE', redisKeyFile) }),
  };
}

function read(variable: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new ConfigError(`${variable}: ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
