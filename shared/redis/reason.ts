import { once } from 'node:events';
import { connect } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import { type RedisTls, tlsOptions } from './tls.ts';
import type { RedisTarget } from './url.ts';

/** OpenSSL's error codes for a certificate that no trusted authority has signed. */
const untrusted = /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(GET_ISSUER|VERIFY_LEAF).*)$/;

/** Returns the reason why a connection failed, for the log. For a fault of the certificate, it adds advice. */
export function reasonOf(error: Error): string {
  // The error of a cluster contains the error of the server that was tried last. That error states the reason.
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
 * Returns the reason why Redis cannot be reached. With several servers or sentinels, ioredis reports only that a
 * connection was closed. This function therefore connects to the first server or sentinel again to get its error.
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
