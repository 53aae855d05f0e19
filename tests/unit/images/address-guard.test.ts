import { describe, expect, test } from 'vitest';
import { createAddressGuard, isPublicAddress } from '../../../images/address-guard.ts';

describe('isPublicAddress', () => {
  test.each([
    '8.8.8.8',
    '1.1.1.1',
    '93.184.216.34',
    // The neighbours of blocks that are not public.
    '9.255.255.255',
    '11.0.0.1',
    '100.63.255.255',
    '100.128.0.1',
    '126.255.255.255',
    '128.0.0.1',
    '169.253.255.255',
    '169.255.0.1',
    '172.15.255.255',
    '172.32.0.1',
    '192.167.255.255',
    '192.169.0.1',
    '198.17.255.255',
    '198.20.0.1',
    '223.255.255.255',
    '168.63.129.15',
    '2606:4700:4700::1111',
    '2001:4860:4860::8888',
    '2a00:1450:4001:81b::200e',
    // The IPv6 form reaches the public IPv4 address inside.
    '::ffff:8.8.8.8',
    '::ffff:808:808',
  ])('%s is public', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  test.each([
    ['this network', '0.0.0.0'],
    ['this network', '0.1.2.3'],
    ['private', '10.0.0.1'],
    ['private', '10.255.255.255'],
    ['private', '172.16.0.1'],
    ['private', '172.31.255.255'],
    ['private', '192.168.0.1'],
    ['private', '192.168.255.255'],
    ['loopback', '127.0.0.1'],
    ['loopback', '127.255.255.254'],
    ['link-local', '169.254.0.1'],
    ['carrier-grade NAT', '100.64.0.1'],
    ['carrier-grade NAT', '100.127.255.255'],
    ['protocol assignments', '192.0.0.8'],
    ['documentation', '192.0.2.1'],
    ['documentation', '198.51.100.7'],
    ['documentation', '203.0.113.7'],
    ['6to4 relay', '192.88.99.1'],
    ['benchmarking', '198.18.0.1'],
    ['benchmarking', '198.19.255.255'],
    ['multicast', '224.0.0.1'],
    ['multicast', '239.255.255.255'],
    ['reserved', '240.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['metadata of AWS, GCP, Azure', '169.254.169.254'],
    ['metadata of AWS over IPv6', 'fd00:ec2::254'],
    ['metadata of Alibaba Cloud', '100.100.100.200'],
    ["Azure's wire server", '168.63.129.16'],
    ["Azure's wire server, IPv4-mapped", '::ffff:168.63.129.16'],
    ['unspecified', '::'],
    ['loopback', '::1'],
    ['loopback, written out', '0:0:0:0:0:0:0:1'],
    ['unique local', 'fc00::1'],
    ['unique local', 'fdff:ffff::1'],
    ['link-local', 'fe80::1'],
    ['link-local with a zone', 'fe80::1%eth0'],
    ['loopback with a zone', '::1%lo'],
    ['site-local', 'fec0::1'],
    ['multicast', 'ff02::1'],
    ['documentation', '2001:db8::1'],
    ['documentation', '3fff::1'],
    ['discard', '100::1'],
    ['Teredo', '2001::1'],
    ['ORCHID', '2001:20::1'],
    ['6to4 of a public address', '2002:808:808::1'],
    ['6to4 of a private address', '2002:a00:1::1'],
    ['NAT64 of a public address', '64:ff9b::808:808'],
    ['NAT64 of a private address', '64:ff9b::a00:1'],
    ['NAT64, local use', '64:ff9b:1::a00:1'],
    ['IPv4-mapped private', '::ffff:10.0.0.1'],
    ['IPv4-mapped loopback', '::ffff:7f00:1'],
    ['IPv4-mapped metadata', '::ffff:a9fe:a9fe'],
    ['IPv4-translated', '::ffff:0:8.8.8.8'],
    ['IPv4-compatible private', '::a00:1'],
    ['IPv4-compatible loopback', '::7f00:1'],
    ['IPv4-compatible public', '::808:808'],
    // As `dns.lookup` spells such an address.
    ['IPv4-compatible public with dots', '::8.8.8.8'],
    ['IPv4-compatible loopback with dots', '::127.0.0.1'],
    ['outside of what has been given out', '4000::1'],
    ['outside of what has been given out', '1::1'],
    ['a public address with a zone', '2606:4700:4700::1111%eth0'],
    ['a name', 'localhost'],
    ['a name', 'example.org'],
    ['nothing', ''],
    ['five parts', '8.8.8.8.8'],
    ['one number', '2130706433'],
  ])('%s: %s is not public', (_why, address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

describe('checkUrl without allowed hosts', () => {
  const guard = createAddressGuard([]);

  test.each([
    'http://example.org/cat.jpg',
    'https://example.org/cat.jpg',
    'http://example.org:443/cat.jpg',
    'https://example.org:80/cat.jpg',
    'https://8.8.8.8/cat.jpg',
    'https://[2606:4700:4700::1111]/cat.jpg',
    // Names are resolved later, and their addresses are checked then.
    'http://intranet/cat.jpg',
    'http://localhost.example.org/cat.jpg',
  ])('%s may be fetched', (url) => {
    expect(() => guard.checkUrl(new URL(url))).not.toThrow();
  });

  test.each([
    ['loopback', 'http://127.0.0.1/'],
    ['loopback as one decimal number', 'http://2130706433/'],
    ['loopback in octal', 'http://0177.0.0.1/'],
    ['loopback in hexadecimal', 'http://0x7f000001/'],
    ['loopback in mixed notations', 'http://0x7f.1/'],
    ['loopback in two parts', 'http://127.1/'],
    ['loopback with a trailing dot', 'http://127.0.0.1./'],
    ['loopback in full-width digits', 'http://１２７.０.０.１/'],
    ['loopback percent-encoded', 'http://%31%32%37.0.0.1/'],
    ['this network', 'http://0/'],
    ['loopback by name', 'http://localhost/'],
    ['loopback by name with a trailing dot', 'http://LocalHost./'],
    ['loopback by a name below it', 'http://images.localhost/'],
    ['private', 'https://10.0.0.1/'],
    ['private in octal', 'http://012.0.0.1/'],
    ['metadata', 'http://169.254.169.254/latest/meta-data/'],
    ['metadata as one decimal number', 'http://2852039166/latest/meta-data/'],
    ['metadata in hexadecimal', 'http://0xa9fea9fe/'],
    ['metadata over IPv6', 'http://[fd00:ec2::254]/latest/meta-data/'],
    ['IPv6 loopback', 'http://[::1]/'],
    ['IPv4-mapped loopback', 'http://[::ffff:127.0.0.1]/'],
    ['IPv4-compatible public', 'http://[::8.8.8.8]/'],
    ['NAT64', 'http://[64:ff9b::808:808]/'],
    ['link-local', 'http://[fe80::1]/'],
    ['port of SSH', 'http://example.org:22/'],
    ['port of Redis', 'http://example.org:6379/'],
    ['an odd port of a public address', 'https://8.8.8.8:8443/'],
  ])('%s is blocked: %s', (_why, url) => {
    expect(() => guard.checkUrl(new URL(url))).toThrow(
      expect.objectContaining({ code: 'image.fetch.blocked_address' }),
    );
  });

  test.each([
    ['ftp', 'ftp://example.org/cat.jpg'],
    ['file', 'file:///etc/passwd'],
    ['gopher', 'gopher://example.org/'],
    ['javascript', 'javascript:alert(1)'],
    ['data', 'data:image/png;base64,AAAA'],
    ['a user name', 'https://user@example.org/cat.jpg'],
    ['a user name and a password', 'https://user:secret@example.org/cat.jpg'],
    ['a password alone', 'https://:secret@example.org/cat.jpg'],
  ])('%s is not an image source: %s', (_why, url) => {
    expect(() => guard.checkUrl(new URL(url))).toThrow(expect.objectContaining({ code: 'image.source_invalid' }));
  });

  test('an address with a zone id is not a URL', () => {
    expect(() => new URL('http://[fe80::1%25eth0]/')).toThrow('Invalid URL');
  });

  test('a message never repeats the password', () => {
    expect(() => guard.checkUrl(new URL('https://user:secret@example.org/'))).toThrow(/^(?!.*secret)/);
  });

  test('the message about a port says how to allow it', () => {
    expect(() => guard.checkUrl(new URL('http://images.local:9000/'))).toThrow(
      'an operator can allow it by adding images.local:9000 to IMAGE_HOSTS_ALLOW',
    );
  });
});

describe('allowed hosts', () => {
  test('a host without a port is allowed on every port and at every address', () => {
    const guard = createAddressGuard(['images.local', '127.0.0.1']);
    expect(() => guard.checkUrl(new URL('http://images.local:9000/cat.jpg'))).not.toThrow();
    expect(() => guard.checkAddress('10.0.0.7', 'images.local', 9000)).not.toThrow();
    expect(() => guard.checkUrl(new URL('http://127.0.0.1:9000/cat.jpg'))).not.toThrow();
  });

  test('a host with a port is allowed on that port only', () => {
    const guard = createAddressGuard(['images.local:9000']);
    expect(() => guard.checkUrl(new URL('http://images.local:9000/cat.jpg'))).not.toThrow();
    expect(() => guard.checkAddress('10.0.0.7', 'images.local', '9000')).not.toThrow();
    expect(() => guard.checkUrl(new URL('http://images.local:9001/cat.jpg'))).toThrow('Port 9001');
    expect(() => guard.checkAddress('10.0.0.7', 'images.local', '80')).toThrow(
      'images.local does not resolve to a public address',
    );
  });

  test.each([
    ['http://images.local/cat.jpg', 'images.local:80'],
    ['https://images.local/cat.jpg', 'images.local:443'],
  ])('%s is allowed by %s: the default port of the scheme counts', (url, allowed) => {
    const guard = createAddressGuard([allowed]);
    const { hostname } = new URL(url);
    expect(() => guard.checkUrl(new URL(url))).not.toThrow();
    expect(() => guard.checkAddress('10.0.0.7', hostname, allowed.split(':')[1] ?? '')).not.toThrow();
  });

  test('capitals are ignored', () => {
    const guard = createAddressGuard(['Images.Local']);
    expect(() => guard.checkUrl(new URL('http://IMAGES.local:9000/'))).not.toThrow();
    expect(() => guard.checkAddress('10.0.0.7', 'IMAGES.LOCAL', 80)).not.toThrow();
  });

  test('public hosts stay allowed', () => {
    expect(() => createAddressGuard(['images.local']).checkUrl(new URL('https://example.org/'))).not.toThrow();
  });

  test.each([
    ['a subdomain', 'http://evil.images.local:9000/'],
    ['a suffix', 'http://evilimages.local:9000/'],
    ['a prefix', 'http://images.local.evil.org:9000/'],
    ['the name as a user', 'http://images.local@127.0.0.1/'],
  ])('%s of an allowed host is not allowed: %s', (_what, url) => {
    const guard = createAddressGuard(['images.local']);
    expect(() => guard.checkUrl(new URL(url))).toThrow(expect.objectContaining({ name: 'ServiceError' }));
  });

  test.each(['http', 'https'])('an allowed host must not get credentials over %s', (scheme) => {
    const guard = createAddressGuard(['images.local']);
    expect(() => guard.checkUrl(new URL(`${scheme}://user:secret@images.local/`))).toThrow(
      expect.objectContaining({ code: 'image.source_invalid' }),
    );
  });
});

describe('allowed domains and addresses', () => {
  test('*.domain allows every name below it, but not the domain itself', () => {
    const guard = createAddressGuard(['*.images.local']);
    expect(() => guard.checkUrl(new URL('http://a.images.local:9000/'))).not.toThrow();
    expect(() => guard.checkAddress('10.0.0.7', 'a.b.images.local', 80)).not.toThrow();
    expect(() => guard.checkAddress('10.0.0.7', 'images.local', 80)).toThrow(
      'images.local does not resolve to a public address',
    );
    expect(() => guard.checkAddress('10.0.0.7', 'evilimages.local', 80)).toThrow(
      'evilimages.local does not resolve to',
    );
  });

  test('a trailing dot does not change a name', () => {
    expect(() => createAddressGuard(['images.local']).checkAddress('10.0.0.7', 'images.local.', 80)).not.toThrow();
    expect(() => createAddressGuard(['images.local.']).checkAddress('10.0.0.7', 'images.local', 80)).not.toThrow();
  });

  test('a name in another script equals its punycode', () => {
    const guard = createAddressGuard(['bücher.example']);
    expect(() => guard.checkUrl(new URL('http://BÜCHER.example:9000/'))).not.toThrow();
  });

  test('an address in brackets with a port does not allow the address that both spell together', () => {
    const guard = createAddressGuard(['[::1]:9000']);
    expect(() => guard.checkUrl(new URL('http://[::1]:9000/'))).not.toThrow();
    expect(() => guard.checkUrl(new URL('http://[::1]/'))).toThrow('not a public address');
    expect(() => guard.checkUrl(new URL('http://[::1:9000]/'))).toThrow('not a public address');
  });
});

describe('denied hosts', () => {
  const blocked = expect.objectContaining({ code: 'image.fetch.blocked_address' });

  test.each([
    ['a host', 'evil.example', 'http://evil.example/'],
    ['a host with a trailing dot', 'evil.example', 'http://evil.example./'],
    ['a host on one port', 'evil.example:80', 'http://evil.example/'],
    ['what is below a domain', '*.evil.example', 'http://a.b.evil.example/'],
    ['an address', '8.8.8.8', 'http://8.8.8.8/'],
    ['an address in another notation', '8.8.8.8', 'http://0x08080808/'],
    ['an address inside IPv6', '8.8.8.8', 'http://[::ffff:8.8.8.8]/'],
    ['a block', '8.0.0.0/8', 'http://8.8.8.8/'],
    ['a block of IPv6', '2606:4700::/32', 'http://[2606:4700:4700::1111]/'],
    ['a block inside IPv6', '::ffff:8.0.0.0/104', 'http://8.8.8.8/'],
    ['every host', '*', 'https://example.org/'],
  ])('%s (%s) is refused: %s', (_what, entry, url) => {
    const guard = createAddressGuard([], { deny: [entry] });
    expect(() => guard.checkUrl(new URL(url))).toThrow(blocked);
    expect(() => guard.checkUrl(new URL(url))).toThrow('IMAGE_HOSTS_DENY');
    expect(() => createAddressGuard([]).checkUrl(new URL(url))).not.toThrow();
  });

  test.each([
    ['the domain itself, when what is below it is denied', '*.evil.example', 'http://evil.example/'],
    ['another port', 'evil.example:80', 'https://evil.example/'],
    ['an address beside the block', '8.8.8.0/24', 'http://8.8.9.8/'],
  ])('%s is not refused', (_what, entry, url) => {
    expect(() => createAddressGuard([], { deny: [entry] }).checkUrl(new URL(url))).not.toThrow();
  });

  test('a name that resolves into a denied block is refused, even when it is allowed', () => {
    const guard = createAddressGuard(['images.local'], { deny: ['10.0.0.0/24'] });
    expect(() => guard.checkAddress('10.0.0.7', 'images.local', 80)).toThrow(blocked);
    expect(() => guard.checkAddress('::ffff:10.0.0.7', 'images.local', 80)).toThrow(blocked);
    expect(() => guard.checkAddress('10.0.1.7', 'images.local', 80)).not.toThrow();
  });

  test('a host that is both allowed and denied is denied', () => {
    const guard = createAddressGuard(['images.local'], { deny: ['images.local'] });
    expect(() => guard.checkUrl(new URL('http://images.local/'))).toThrow(blocked);
  });

  test('* does not deny allowed hosts', () => {
    const guard = createAddressGuard(['images.local'], { deny: ['*'] });
    expect(() => guard.checkUrl(new URL('http://images.local:9000/'))).not.toThrow();
    expect(() => guard.checkUrl(new URL('http://other.local/'))).toThrow(blocked);
  });

  test.each(['10.0.0.0/33', '300.0.0.0/8', 'fe80::/129'])(
    '%s is not an address block, and the message says so',
    (entry) => {
      expect(() => createAddressGuard([], { deny: [entry], settings: 'WEBHOOK' })).toThrow(
        `WEBHOOK_HOSTS_DENY: "${entry}"`,
      );
    },
  );
});

test('the allowed ports can be set', () => {
  const guard = createAddressGuard([], { ports: [8080] });
  expect(() => guard.checkUrl(new URL('http://example.org:8080/'))).not.toThrow();
  expect(() => guard.checkUrl(new URL('http://example.org/'))).toThrow('Port 80');
});

test('the address of a refused name goes to the operator, not into the message for the tenant', () => {
  const refused: string[][] = [];
  const onRefused = (host: string, address: string) => void refused.push([host, address]);
  const guard = createAddressGuard([], { deny: ['203.0.113.0/24'], onRefused });
  for (const address of ['10.1.2.3', '203.0.113.7']) {
    expect(() => guard.checkAddress(address, 'internal.example', 443)).toThrow(
      expect.objectContaining({
        code: 'image.fetch.blocked_address',
        message: expect.not.stringContaining(address),
      }),
    );
  }
  expect(refused).toEqual([
    ['internal.example', '10.1.2.3'],
    ['internal.example', '203.0.113.7'],
  ]);
  // An address that the tenant wrote appears as it was written.
  expect(() => guard.checkAddress('10.1.2.3', '10.1.2.3', 443)).toThrow('10.1.2.3 is not a public address');
  expect(refused).toHaveLength(2);
});
