import ipaddr from 'ipaddr.js';
import { ServiceError } from '../shared/errors.ts';

/** Answers whether a host, a port and the addresses behind them may be fetched from. */
export interface AddressGuard {
  /** Checks a URL before any lookup: scheme, credentials, port, literal address. */
  checkUrl(url: URL): void;
  /** Checks an address that `host` resolved to, or that a socket is connected to. */
  checkAddress(address: string, host: string, port: string | number): void;
}

/** Public by their range, yet answering only inside a cloud: Azure's wire server. */
const cloudMetadata = new Set(['168.63.129.16']);

const ipv4Compatible = ipaddr.parseCIDR('::/96');

/** Whether an IP address (no host name) is one that anybody on the internet could reach. */
export function isPublicAddress(address: string): boolean {
  const bare = address.split('%', 1)[0] ?? '';
  if (!ipaddr.isValid(bare)) return false;
  // IPv4-compatible with dots (`::8.8.8.8`): the parser takes it for the IPv4 address, the kernel does not.
  if (/^::\d+\.\d/.test(bare)) return false;
  // `process` turns an IPv4-mapped IPv6 address into the IPv4 address that it reaches.
  const ip = ipaddr.process(bare);
  if (ip.kind() === 'ipv6' && ip.match(ipv4Compatible)) return false;
  return ip.range() === 'unicast' && !cloudMetadata.has(ip.toString());
}

/**
 * Public addresses on ports 80 and 443, and whatever `allowedHosts` names (`host` for any port, or `host:port`).
 * An allowed host may be private: it is the operator's word for it.
 * @param setting the environment variable that carries `allowedHosts`, for messages.
 */
export function createAddressGuard(allowedHosts: readonly string[], setting = 'IMAGE_HOSTS_ALLOW'): AddressGuard {
  // An IPv6 address stands in brackets in a URL and without them on a socket.
  const plain = (host: string) => host.toLowerCase().replaceAll(/[[\]]/g, '');
  const allowed = new Set(allowedHosts.map(plain));
  const isAllowed = (host: string, port: string | number) =>
    allowed.has(plain(host)) || allowed.has(`${plain(host)}:${port}`);

  const checkAddress = (address: string, host: string, port: string | number) => {
    if (isAllowed(host, port) || isPublicAddress(address)) return;
    const named = host === address || host === `[${address}]` ? address : `${host} leads to ${address}, which`;
    throw new ServiceError(
      'image.fetch.blocked_address',
      `${named} is not a public address; ${setting} can admit the host`,
    );
  };

  return {
    checkAddress,
    checkUrl(url) {
      if (url.protocol !== 'http:' && url.protocol !== 'https:') {
        throw new ServiceError(
          'image.source_invalid',
          `${url.protocol} addresses are not fetched, only http and https`,
        );
      }
      if (url.username !== '' || url.password !== '') {
        throw new ServiceError('image.source_invalid', 'An address must not carry a user name or password');
      }
      const port = url.port || (url.protocol === 'https:' ? '443' : '80');
      const host = url.hostname;
      if (isAllowed(host, port)) return;
      if (port !== '80' && port !== '443') {
        throw new ServiceError(
          'image.fetch.blocked_address',
          `Port ${port} of ${host} is not used; ${setting} can admit ${host}:${port}`,
        );
      }
      const literal = host.startsWith('[') ? host.slice(1, -1) : host;
      if (ipaddr.isValid(literal)) checkAddress(literal, host, port);
    },
  };
}
