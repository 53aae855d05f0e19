/** The address of a server, with the default port if the URL states none. */
export interface Address {
  host: string;
  port: number;
}

/** The parsed `REDIS_URL`, with users and passwords percent-decoded. */
export type RedisTarget = { tls: boolean; username?: string; password?: string } & (
  | { kind: 'socket'; path: string }
  | { kind: 'single'; url: string; address: Address }
  | { kind: 'cluster'; nodes: Address[] }
  | {
      kind: 'sentinel';
      sentinels: Address[];
      master: string;
      db: number;
      sentinelUsername?: string;
      sentinelPassword?: string;
    }
);

/** Never quotes the URL, because the invalid part may belong to the password. */
export class RedisUrlError extends Error {
  override name = 'RedisUrlError';
}

const forms =
  'redis://, rediss://, redis+cluster://, rediss+cluster://, redis+sentinel://, rediss+sentinel:// or the path of a socket';
const ports = { redis: 6379, sentinel: 26_379 } as const;

/**
 * Parses a Redis URL: `/run/redis.sock`, `redis://user:password@host:6379/0`,
 * `redis+cluster://user:password@host:7000,host:7001`,
 * `redis+sentinel://user:password@host:26379,host:26380/master/0?sentinelPassword=...`. `rediss` uses TLS.
 * @throws {RedisUrlError}
 */
export function parseRedisUrl(text: string): RedisTarget {
  if (/^\/[^/]/.test(text)) return { kind: 'socket', path: text, tls: false };
  const [, secure, several, rest = ''] = /^redis(s?)(?:\+(cluster|sentinel))?:\/\/(.+)$/.exec(text) ?? [];
  if (secure === undefined) throw new RedisUrlError(`expected ${forms}`);
  if (/[/?#].*@/.test(rest)) {
    throw new RedisUrlError('write /, ? and # in user and password as %2F, %3F and %23, and @ in a parameter as %40');
  }
  const tls = secure === 's';
  if (several === undefined) return single(text, tls);
  const [, before = '', query = ''] = /^([^?]*)(?:\?(.*))?$/.exec(rest) ?? [];
  const [authority = '', ...path] = before.split('/');
  const at = authority.lastIndexOf('@');
  const user = credentials(authority.slice(0, Math.max(0, at)));
  const addresses = (port: number) =>
    authority
      .slice(at + 1)
      .split(',')
      .map(addressOf(port));
  if (several === 'cluster') {
    if (!['', '0'].includes(path.join('/'))) throw new RedisUrlError('a cluster has only database 0');
    if (query !== '') throw new RedisUrlError('the URL of a cluster has no parameters');
    return { kind: 'cluster', tls, ...user, nodes: addresses(ports.redis) };
  }
  const [master = '', db = '0', ...further] = path;
  if (master === '')
    throw new RedisUrlError('the name of the master is missing; add it after a slash, for example :26379/mymaster');
  if (!/^\d+$/.test(db) || further.length > 0)
    throw new RedisUrlError('only a database number may follow the name of the master');
  return {
    kind: 'sentinel',
    tls,
    ...user,
    ...sentinelCredentials(query),
    sentinels: addresses(ports.sentinel),
    master: decoded(master),
    db: Number(db),
  };
}

export const userOf = ({ username, password }: RedisTarget): Pick<RedisTarget, 'username' | 'password'> => ({
  ...(username !== undefined && { username }),
  ...(password !== undefined && { password }),
});

/** Returns the location for messages, without user, password and parameters. */
export function locationOf(target: RedisTarget): string {
  const shown = ({ host, port }: Address) => `${host.includes(':') ? `[${host}]` : host}:${port}`;
  switch (target.kind) {
    case 'socket':
      return target.path;
    case 'single':
      return `redis${target.tls ? 's' : ''}://${shown(target.address)}`;
    case 'cluster':
      return `the cluster of ${target.nodes.map(shown).join(', ')}`;
    case 'sentinel':
      return `${target.master} of the sentinels ${target.sentinels.map(shown).join(', ')}`;
  }
}

function single(text: string, tls: boolean): RedisTarget {
  if (!URL.canParse(text)) {
    throw new RedisUrlError(
      'expected one host and one port, and percent-encoding in the password; several hosts need +cluster or +sentinel',
    );
  }
  const { username, password, hostname, port, pathname } = new URL(text);
  if (!/^\/?\d*$/.test(pathname)) throw new RedisUrlError('only a database number may follow host and port');
  return {
    kind: 'single',
    url: text,
    tls,
    ...(username !== '' && { username: decoded(username) }),
    ...(password !== '' && { password: decoded(password) }),
    address: { host: withoutBrackets(hostname) || '127.0.0.1', port: Number(port) || ports.redis },
  };
}

/** Parses the part of an address before the @: `user:password`, `:password` or nothing. */
function credentials(text: string): { username?: string; password?: string } {
  if (text === '') return {};
  const [, username = '', password] = /^([^:]*)(?::(.*))?$/.exec(text) ?? [];
  if (!password) throw new RedisUrlError('expected user:password or :password before the @');
  return { ...(username !== '' && { username: decoded(username) }), password: decoded(password) };
}

function sentinelCredentials(query: string): { sentinelUsername?: string; sentinelPassword?: string } {
  const { sentinelUsername, sentinelPassword, ...others } = Object.fromEntries(new URLSearchParams(query));
  if (Object.keys(others).length > 0) {
    throw new RedisUrlError('only the parameters sentinelUsername and sentinelPassword are allowed');
  }
  return { ...(sentinelUsername && { sentinelUsername }), ...(sentinelPassword && { sentinelPassword }) };
}

const addressOf =
  (usualPort: number) =>
  (text: string, at: number): Address => {
    const url = `redis://${text}`;
    if (text === '' || /[/?#@\\]/.test(text) || !URL.canParse(url)) {
      throw new RedisUrlError(`host ${at + 1} of the list is not of the form host:port`);
    }
    const { hostname, port } = new URL(url);
    return { host: withoutBrackets(hostname), port: Number(port) || usualPort };
  };

const withoutBrackets = (hostname: string): string => hostname.replace(/^\[|\]$/g, '');

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new RedisUrlError('write a literal % as %25');
  }
}
