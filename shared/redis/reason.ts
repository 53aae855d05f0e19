import { once } from 'node:events';
import { connect } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import { type RedisTls, tlsOptions } from './tls.ts';
import type { RedisTarget } from './url.ts';

/** OpenSSL's error codes for a certificate that no trusted authority has signed. */
const untrusted = /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(GET_ISSUER|VERIFY_LEAF).*)$/;

/** Returns why a connection failed, for the log, with advice about certificates. */
export function reasonOf(error: Error): string {
  // A cluster's error contains that of the last server, which states the reason.
  const { code = '', message } =
    (error as { lastNodeError?: NodeJS.ErrnoException }).lastNodeError ?? (error as NodeJS.ErrnoException);
  if (untrusted.test(code)) {
    return `${message}: the certificate is not signed by a trusted authority; put the authority's certificate into ca.crt in REDIS_TLS_DIR`;
  }
  if (code === 'CERT_HAS_EXPIRED') return `${message}: the certificate has expired; renew it`;
  return message || code;
}

const patienceMs = 2_000;

/**
 * Returns why Redis cannot be reached. With several servers or sentinels, ioredis hides the error, so this connects to
 * the first one again.
 */
export async function explain(error: Error, target: RedisTarget, redisTls: RedisTls): Promise<string> {
  if (target.kind === 'socket' || target.kind === 'single') return reasonOf(error);
  const [address] = target.kind === 'cluster' ? target.nodes : target.sentinels;
  if (address === undefined) return reasonOf(error);
  const socket = target.tls ? connectSecurely({ ...address, ...tlsOptions(redisTls) }) : connect(address);
  try {
    await once(socket, target.tls ? 'secureConnect' : 'connect', { signal: AbortSignal.timeout(patienceMs) });
    return reasonOf((error as { lastNodeError?: Error }).lastNodeError ?? error);
  } catch (fault) {
    return reasonOf(fault as Error);
  } finally {
    socket.on('error', () => {}).destroy();
  }
}
