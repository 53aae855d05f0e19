import ipaddr from 'ipaddr.js';
import { ConfigError } from '../shared/config.ts';

/** Hosts and addresses as a setting lists them. */
export interface HostList {
  /** Whether the list names this host, on this port or on every port. */
  namesHost(host: string, port: string | number): boolean;
  /** Whether the list holds `*`. */
  namesAll: boolean;
  /** Whether an IP address is listed or lies in a listed block, however IPv6 wraps it. */
  holdsAddress(address: string): boolean;
}

type Block = [ipaddr.IPv4 | ipaddr.IPv6, number];

/**
 * Entries are `host`, `host:port`, `*.domain` (every name below it, not itself), an address, a block (`10.0.0.0/8`),
 * or `*`.
 * @param setting the environment variable, for messages.
 * @throws {ConfigError} for an entry that is none of them.
 */
export function parseHostList(entries: readonly string[], setting: string): HostList {
  const names = new Set<string>();
  const blocks: Block[] = [];
  for (const entry of entries) {
    if (entry.includes('/')) blocks.push(parseBlock(entry, setting));
    else if (ipaddr.isValid(unbracketed(entry))) {
      const address = ipaddr.process(unbracketed(entry));
      blocks.push([address, address.kind() === 'ipv4' ? 32 : 128]);
      names.add(nameOf(address));
    } else names.add(canonicalEntry(entry, setting));
  }
  return {
    namesAll: names.has('*'),
    namesHost(host, port) {
      const candidates = isAddress(host) ? [nameOf(ipaddr.process(plainHost(host)))] : withDomains(plainHost(host));
      return candidates.some((candidate) => names.has(candidate) || names.has(`${candidate}:${port}`));
    },
    holdsAddress(address) {
      const bare = address.split('%', 1)[0] ?? '';
      if (!ipaddr.isValid(bare)) return false;
      const ip = ipaddr.process(bare);
      return blocks.some(([start, bits]) => start.kind() === ip.kind() && ip.match(start, bits));
    },
  };
}

/** A host as URLs, sockets and settings spell it, in one spelling: lower case, no brackets, no dot at its end. */
export const plainHost = (host: string): string => unbracketed(host).toLowerCase().replace(/\.$/, '');

/** Whether a host, with or without brackets, is an IP address in the form that URLs keep. */
export const isAddress = (host: string): boolean => {
  const bare = unbracketed(host);
  return bare.includes(':') ? ipaddr.IPv6.isValid(bare) : ipaddr.IPv4.isValidFourPartDecimal(bare);
};

const unbracketed = (host: string) => host.replace(/^\[(.*)\]$/, '$1');

/** `a.b.c` is named by `a.b.c`, `*.b.c` and `*.c`. */
function withDomains(name: string): string[] {
  const candidates = [name];
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) candidates.push(`*${name.slice(dot)}`);
  return candidates;
}

/** In brackets, or `[::1]:9000` would be the same as the address `::1:9000`. */
const nameOf = (address: ipaddr.IPv4 | ipaddr.IPv6) =>
  address.kind() === 'ipv6' ? `[${address.toString()}]` : address.toString();

/** As a URL would carry it, so that `Bücher.example` and `xn--bcher-kva.example` are the same host. */
function canonicalEntry(entry: string, setting: string): string {
  if (entry === '*') return entry;
  const [, star = '', host = '', port = ''] = /^(\*\.)?(.*?)(:\d+)?$/.exec(entry) ?? [];
  const url = URL.parse(`http://${host}`);
  if (url === null) throw new ConfigError(`${setting}: ${JSON.stringify(entry)} is no host`);
  const name = plainHost(url.hostname);
  return `${star}${isAddress(name) ? nameOf(ipaddr.process(name)) : name}${port}`;
}

function parseBlock(entry: string, setting: string): Block {
  try {
    const [start, bits] = ipaddr.parseCIDR(entry);
    // Addresses are compared as what they reach: `::ffff:10.0.0.0/104` is `10.0.0.0/8`.
    const isMapped = start instanceof ipaddr.IPv6 && start.isIPv4MappedAddress() && bits >= 96;
    return isMapped ? [start.toIPv4Address(), bits - 96] : [start, bits];
  } catch {
    throw new ConfigError(`${setting}: ${JSON.stringify(entry)} is no block of addresses such as 203.0.113.0/24`);
  }
}
