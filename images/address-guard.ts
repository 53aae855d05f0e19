import ipaddr from 'ipaddr.js';
import { ServiceError } from '../shared/errors.ts';
import { isAddress, parseHostList, plainHost } from './host-list.ts';

/** Answers whether a host, a port and the addresses behind them may be fetched from. */
export interface AddressGuard {
  /** Checks a URL before any lookup: scheme, credentials, host, port, literal address. */
  checkUrl(url: URL): void;
  /** Checks an address that stands in a URL, that `host` resolved to, or that a socket is connected to. */
  checkAddress(address: string, host: string, port: string | number): void;
  /** Whether the operator has named this host as one that may be private. */
  isAllowed(host: string, port: string | number): boolean;
}

export interface GuardOptions {
  /** Hosts, addresses and blocks that are refused, whatever else admits them; `*` refuses all that are not allowed. */
  deny?: readonly string[];
  /** Whether addresses and blocks in the list admit every host that leads to them, and not literal addresses alone. */
  allowsBlocks?: boolean;
  /** Ports that are asked without the host being allowed. */
  ports?: readonly number[];
  /**
   * Called when the name of a host leads to an address that is refused. The message for the tenant does not show that
   * address: it would tell strangers what internal names resolve to.
   */
  onRefused?: ((host: string, address: string) => void) | undefined;
  /** What the environment variables of this guard begin with, for messages. */
  settings?: 'IMAGE' | 'WEBHOOK' | 'HF';
}

/** Public by their range, yet answering only inside a cloud: Azure's wire server. */
const cloudMetadata = new Set(['168.63.129.16']);

/** All that has been given out as global unicast so far; what ipaddr.js calls unicast is the rest of the space, too. */
const globalUnicast = ipaddr.parseCIDR('2000::/3');

/** Whether an IP address (no host name) is one that anybody on the internet could reach. */
export function isPublicAddress(address: string): boolean {
  // A zone says which link of this machine is meant.
  if (address.includes('%') || !ipaddr.isValid(address)) return false;
  // IPv4-compatible with dots (`::8.8.8.8`): the parser takes it for the IPv4 address, the kernel does not.
  if (/^::\d+\.\d/.test(address)) return false;
  // `process` turns an IPv4-mapped IPv6 address into the IPv4 address that it reaches.
  const ip = ipaddr.process(address);
  if (ip.kind() === 'ipv6' && !ip.match(globalUnicast)) return false;
  return ip.range() === 'unicast' && !cloudMetadata.has(ip.toString());
}

/** RFC 6761: such names are loopback, whatever a name server says. */
const isLocalhost = (host: string) => /(^|\.)localhost$/.test(plainHost(host));

/**
 * Public addresses on the ports of the web, and whatever `allow` names (`host` for any port, `host:port`, `*.domain`):
 * an allowed host may be private, since that is the operator's word for it.
 * @throws {ConfigError} for an entry that is none of these.
 */
export function createAddressGuard(allow: readonly string[], options: GuardOptions = {}): AddressGuard {
  const { ports = [80, 443], settings = 'IMAGE' } = options;
  const allowed = parseHostList(allow, `${settings}_HOSTS_ALLOW`);
  const denied = parseHostList(options.deny ?? [], `${settings}_HOSTS_DENY`);
  const isInBlock = (address: string) => options.allowsBlocks === true && allowed.holdsAddress(address);

  const checkAddress = (address: string, host: string, port: string | number) => {
    const isDenied = denied.holdsAddress(address);
    if (!isDenied && (allowed.namesHost(host, port) || isPublicAddress(address) || isInBlock(address))) return;
    const isName = plainHost(host) !== address;
    if (isName) options.onRefused?.(host, address);
    if (isDenied)
      throw blocked(`${host} ${isName ? 'leads to an address that is' : 'is'} refused by ${settings}_HOSTS_DENY`);
    const what = isName ? 'does not lead to a public address' : 'is not a public address';
    throw blocked(`${host} ${what}; ${settings}_HOSTS_ALLOW can admit the host`);
  };

  return {
    checkAddress,
    isAllowed: allowed.namesHost,
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
      const isAllowed = allowed.namesHost(host, port) || (isAddress(host) && isInBlock(plainHost(host)));
      if (denied.namesHost(host, port) || (denied.namesAll && !isAllowed))
        throw blocked(`${host} is refused by ${settings}_HOSTS_DENY`);
      if (!isAllowed && !ports.includes(Number(port)))
        throw blocked(`Port ${port} of ${host} is not used; ${settings}_HOSTS_ALLOW can admit ${host}:${port}`);
      if (isAddress(host)) checkAddress(plainHost(host), host, port);
      else if (!isAllowed && isLocalhost(host))
        throw blocked(`${host} is this machine; ${settings}_HOSTS_ALLOW can admit it`);
    },
  };
}

const blocked = (message: string) => new ServiceError('image.fetch.blocked_address', message);
