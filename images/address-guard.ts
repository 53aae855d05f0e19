import ipaddr from 'ipaddr.js';
import { ServiceError } from '../shared/errors.ts';
import { isAddress, parseHostList, plainHost } from './host-list.ts';

/**
 * Decides to which hosts, ports and addresses the service may connect. `checkUrl` and `checkAddress` throw {@link
 * ServiceError} `image.*`.
 */
export interface AddressGuard {
  /** Checks scheme, credentials, host and port of a URL before any lookup, and the address if the host is one. */
  checkUrl(url: URL): void;
  /** Checks an IP address: the host of a URL, an address of `host`, or the remote address of a socket. */
  checkAddress(address: string, host: string, port: string | number): void;
  /** Returns true when the host is in the allow list, so that its address may be private. */
  isAllowed(host: string, port: string | number): boolean;
}

export interface GuardOptions {
  /** The hosts, addresses and blocks that are always refused. `*` refuses every host that is not in the allow list. */
  deny?: readonly string[];
  /** True to allow host names that resolve to an allowed address. By default, such an address must be in the URL. */
  allowsBlocks?: boolean;
  /** The ports that are allowed on hosts outside the allow list. */
  ports?: readonly number[];
  /**
   * Called when a host name resolves to a refused address. Tenants must not see the address, because it reveals how
   * internal names resolve.
   */
  onRefused?: ((host: string, address: string) => void) | undefined;
  /** The prefix of the guard's settings (`IMAGE_HOSTS_ALLOW`), for error messages. */
  settings?: 'IMAGE' | 'WEBHOOK' | 'HF';
}

/** Public addresses that reach a service inside a cloud: Azure's wire server. */
const cloudMetadata = new Set(['168.63.129.16']);

/** The IPv6 global unicast block. ipaddr.js calls other blocks `unicast`, too. */
const globalUnicast = ipaddr.parseCIDR('2000::/3');

/** Returns true for an IP address (not a host name) that anybody on the internet could reach. */
export function isPublicAddress(address: string): boolean {
  // An address with a zone (`fe80::1%eth0`) is valid only on one network link of this machine.
  if (address.includes('%') || !ipaddr.isValid(address)) return false;
  // ipaddr.js reads an IPv4-compatible address with dots (`::8.8.8.8`) as IPv4, but the kernel would connect to another
  // address.
  if (/^::\d+\.\d/.test(address)) return false;
  // Turns an IPv4-mapped IPv6 address into the IPv4 address that it reaches.
  const ip = ipaddr.process(address);
  if (ip.kind() === 'ipv6' && !ip.match(globalUnicast)) return false;
  return ip.range() === 'unicast' && !cloudMetadata.has(ip.toString());
}

/** The maximum number of stored origins. When it is reached, all are forgotten. */
const mostPassed = 1_000;

/** RFC 6761 reserves these names for loopback, even if a name server returns another address. */
const isLocalhost = (host: string) => /(^|\.)localhost$/.test(plainHost(host));

/**
 * Creates a guard that allows public addresses on the given ports, and every host in `allow` (`host` for any port,
 * `host:port`, `*.domain`). A host in `allow` may have a private address.
 * @throws {ConfigError} for an entry in another form.
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
      throw blocked(`${host} ${isName ? 'resolves to an address that is' : 'is'} refused by ${settings}_HOSTS_DENY`);
    const what = isName ? 'does not resolve to a public address' : 'is not a public address';
    throw blocked(`${host} ${what}; an operator can allow it by adding ${host} to ${settings}_HOSTS_ALLOW`);
  };

  function checkHost(url: URL): void {
    const port = url.port || (url.protocol === 'https:' ? '443' : '80');
    const host = url.hostname;
    const isAllowed = allowed.namesHost(host, port) || (isAddress(host) && isInBlock(plainHost(host)));
    if (denied.namesHost(host, port) || (denied.namesAll && !isAllowed))
      throw blocked(`${host} is refused by ${settings}_HOSTS_DENY`);
    if (!isAllowed && !ports.includes(Number(port)))
      throw blocked(
        `Port ${port} of ${host} is not allowed; an operator can allow it by adding ${host}:${port} to ${settings}_HOSTS_ALLOW`,
      );
    if (isAddress(host)) checkAddress(plainHost(host), host, port);
    else if (!isAllowed && isLocalhost(host))
      throw blocked(
        `${host} is the machine that runs the service; an operator can allow it by adding ${host} to ${settings}_HOSTS_ALLOW`,
      );
  }

  /** A check takes 0.03 ms per URL, and the images of a batch have few origins. */
  const passed = new Set<string>();

  return {
    checkAddress,
    isAllowed: allowed.namesHost,
    checkUrl(url) {
      if (url.protocol !== 'http:' && url.protocol !== 'https:') {
        throw new ServiceError('image.source_invalid', `Only http and https URLs are fetched, not ${url.protocol}`);
      }
      if (url.username !== '' || url.password !== '') {
        throw new ServiceError('image.source_invalid', 'A URL must not contain a user name or password');
      }
      if (passed.has(url.origin)) return;
      checkHost(url);
      if (passed.size >= mostPassed) passed.clear();
      passed.add(url.origin);
    },
  };
}

const blocked = (message: string) => new ServiceError('image.fetch.blocked_address', message);
