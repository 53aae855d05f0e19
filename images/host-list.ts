import ipaddr from 'ipaddr.js';
import { ConfigError } from '../shared/config.ts';

export interface HostList {
  /** Returns true when the list contains the host with this port, or without a port. */
  namesHost(host: string, port: string | number): boolean;
  /** True when the list contains `*`. */
  namesAll: boolean;
  /** Returns true when the list contains the IP address or its block. An IPv4-mapped IPv6 address counts as IPv4. */
  holdsAddress(address: string): boolean;
}

type Block = [ipaddr.IPv4 | ipaddr.IPv6, number];

/**
 * Parses a list of hosts. An entry is `host`, `host:port`, `*.domain` (all names below the domain, but not the domain
 * itself), an address, a block (`10.0.0.0/8`), or `*`.
 * @param setting for error messages.
 * @throws {ConfigError} for an entry in another form.
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

/** Returns a host in lower case, without brackets or a trailing dot, for comparisons. */
export const plainHost = (host: string): string => unbracketed(host).toLowerCase().replace(/\.$/, '');

/** Returns true for an IP address, with or without brackets, in the form that URLs use. */
export const isAddress = (host: string): boolean => {
  const bare = unbracketed(host);
  return bare.includes(':') ? ipaddr.IPv6.isValid(bare) : ipaddr.IPv4.isValidFourPartDecimal(bare);
};

const unbracketed = (host: string) => host.replace(/^\[(.*)\]$/, '$1');

/** `a.b.c` matches the entries `a.b.c`, `*.b.c` and `*.c`. */
function withDomains(name: string): string[] {
  const candidates = [name];
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) candidates.push(`*${name.slice(dot)}`);
  return candidates;
}

/** Brackets distinguish the host `::1` with the port 9000 from the address `::1:9000`. */
const nameOf = (address: ipaddr.IPv4 | ipaddr.IPv6) =>
  address.kind() === 'ipv6' ? `[${address.toString()}]` : address.toString();

/**
 * Converts an entry to the spelling of URLs, in which `Bücher.example` and `xn--bcher-kva.example` are the same host.
 */
function canonicalEntry(entry: string, setting: string): string {
  if (entry === '*') return entry;
  const [, star = '', host = '', port = ''] = /^(\*\.)?(.*?)(:\d+)?$/.exec(entry) ?? [];
  const url = URL.parse(`http://${host}`);
  if (url === null) throw new ConfigError(`${setting}: ${JSON.stringify(entry)} is not a host`);
  const name = plainHost(url.hostname);
  return `${star}${isAddress(name) ? nameOf(ipaddr.process(name)) : name}${port}`;
}

function parseBlock(entry: string, setting: string): Block {
  try {
    const [start, bits] = ipaddr.parseCIDR(entry);
    // An IPv4-mapped block is stored as IPv4: `::ffff:10.0.0.0/104` equals `10.0.0.0/8`.
    const isMapped = start instanceof ipaddr.IPv6 && start.isIPv4MappedAddress() && bits >= 96;
    return isMapped ? [start.toIPv4Address(), bits - 96] : [start, bits];
  } catch {
    throw new ConfigError(`${setting}: ${JSON.stringify(entry)} is not an address block such as 203.0.113.0/24`);
  }
}
