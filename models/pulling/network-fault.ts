import { called } from '../../shared/called.ts';
import { PullError } from './pull-error.ts';

/** The advice for a network error, without the commands of the command line. */
export const networkChecks =
  'Check the connection, HF_ENDPOINT and, behind a proxy, HTTPS_PROXY. Without a network, set HF_OFFLINE_DIR to a copied hub cache.';

/** The advice for transient errors. Only a download knows if bytes are stored, and says so. */
export const adviceFor = {
  network: `${networkChecks} \`${called} doctor\` shows the proxy and address in use.`,
  timeout: 'The connection stalled: try again.',
  hub: 'The hub does not work correctly at present: try again later, or set HF_ENDPOINT to a mirror.',
};

/** A misspelt host never answers, so a pull gives up after 3 s. A name server that does not answer is tried longer. */
const attemptsForUnknownHost = 3;

/** OpenSSL's error codes for untrusted certificates. */
const certificateFaults =
  /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_\w+|CERT_\w+|ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH)$/;

interface Fault {
  name?: string;
  code?: unknown;
  message?: string;
  cause?: Fault;
  errors?: Fault[];
}

/** Yields an error and its causes. undici wraps errors, and combines those of several addresses. */
function* chainOf(error: Fault | undefined): Generator<Fault> {
  for (let at = error; at !== undefined && at !== null; at = at.cause) {
    yield at;
    for (const each of at.errors ?? []) yield* chainOf(each);
  }
}

/**
 * Converts an error of a request or response to a PullError. Refused addresses and untrusted certificates are not
 * retried.
 */
export function networkFault(error: unknown, what: string): PullError {
  const chain = [...chainOf(error as Fault)];
  const [first] = chain;
  if (first?.name === 'TimeoutError') {
    return new PullError('timeout', `${what} stalled: ${first.message}`, adviceFor.timeout, { cause: error });
  }
  if (first?.name === 'AbortError') {
    return new PullError('stopped', 'The pull was stopped', 'Run the same command again to continue.', {
      cause: error,
    });
  }
  const refused = chain.find(({ code }) => code === 'image.fetch.blocked_address' || code === 'image.source_invalid');
  if (refused !== undefined) {
    const advice =
      'A hub or mirror redirects to this address. If you trust the address, or if a proxy on this machine resolves all names, add the host or its address range to HF_HOSTS_ALLOW.';
    return new PullError('blocked', `${what} was refused: ${refused.message}`, advice, { cause: error });
  }
  const untrusted = chain.find(({ code }) => typeof code === 'string' && certificateFaults.test(code));
  if (untrusted !== undefined) {
    const advice =
      'A proxy that inspects traffic uses its own certificate authority. Set NODE_EXTRA_CA_CERTS to its certificate (PEM), or NODE_USE_SYSTEM_CA=1 if this machine trusts it.';
    const why = `${untrusted.message} (${String(untrusted.code)})`;
    return new PullError('certificate', `${what} failed: ${why}`, advice, { cause: error });
  }
  const last = chain.at(-1);
  const why = chain[1]?.message || last?.message || String(last?.code ?? 'no reason given');
  const isUnknownHost = chain.some(({ code }) => code === 'ENOTFOUND');
  const more = { cause: error, ...(isUnknownHost && { attempts: attemptsForUnknownHost }) };
  return new PullError('network', `${what} failed: ${why}`, adviceFor.network, more);
}
