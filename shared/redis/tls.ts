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

/** What OpenSSL says of a certificate whose signer is none of those that are trusted here. */
const untrusted = /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(GET_ISSUER|VERIFY_LEAF).*)$/;

/** Why a connection failed, in words for the log, with what to do where it can be told. */
export function reasonOf(error: Error): string {
  // Of a cluster no server answers; why, one of them has said.
  const { code = '', message } =
    (error as { lastNodeError?: NodeJS.ErrnoException }).lastNodeError ?? (error as NodeJS.ErrnoException);
  if (untrusted.test(code)) {
    return `${message}: its certificate is not signed by an authority that is trusted here; name that authority's certificate in REDIS_CA_FILE`;
  }
  if (code === 'CERT_HAS_EXPIRED') return `${message}: its certificate must be renewed`;
  return message || code;
}
