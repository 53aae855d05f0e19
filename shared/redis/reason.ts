import { once } from 'node:events';
import { connect } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import { type RedisTls, tlsOptions } from './tls.ts';
import type { RedisTarget } from './url.ts';

/** What OpenSSL says of a certificate whose signer is none of those that are trusted here. */
const untrusted = /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(GET_ISSUER|VERIFY_LEAF).*)$/;

/** Why a connection failed, in words for the log, with what to do where it can be told. */
export function reasonOf(error: Error): string {
  // Of a cluster no server answers; why, one of them has said.
  const { code = '', message } =
    (error as { lastNodeError?: NodeJS.ErrnoException }).lastNodeError ?? (error as NodeJS.ErrnoException);
  if (untrusted.test(code)) {
    return `${message}: its certificate is not signed by an authority that is trusted here; put that authority's certificate into ca.crt in REDIS_TLS_DIR`;
  }
  if (code === 'CERT_HAS_EXPIRED') return `${message}: its certificate must be renewed`;
  return message || code;
}

const patienceMs = 2_000;

/**
 * Why a Redis cannot be reached. Of several servers or sentinels ioredis says no more than that a connection was
 * closed, so the first of them is called once more.
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
