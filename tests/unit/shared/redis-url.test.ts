import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConfigError, readConfig } from '../../../shared/config.ts';
import { locationOf, parseRedisUrl, RedisUrlError } from '../../../shared/redis/url.ts';

describe('a Redis is named by', () => {
  test.each([
    ['/run/redis.sock', { kind: 'socket', tls: false, path: '/run/redis.sock' }],
    ['redis://h', { kind: 'single', tls: false, address: { host: 'h', port: 6379 } }],
    [
      'redis://u:p%40s@[::1]:7000/2',
      { kind: 'single', username: 'u', password: 'p@s', address: { host: '::1', port: 7000 } },
    ],
    ['rediss://:p@h:1', { kind: 'single', tls: true, password: 'p' }],
    ['redis+cluster://h', { kind: 'cluster', tls: false, nodes: [{ host: 'h', port: 6379 }] }],
    [
      'rediss+cluster://u:p%2Fs@a:1,[fd00::2]:2,c/',
      {
        kind: 'cluster',
        tls: true,
        username: 'u',
        password: 'p/s',
        nodes: [
          { host: 'a', port: 1 },
          { host: 'fd00::2', port: 2 },
          { host: 'c', port: 6379 },
        ],
      },
    ],
    [
      'redis+sentinel://a,b:80/my%20master',
      {
        kind: 'sentinel',
        tls: false,
        master: 'my master',
        db: 0,
        sentinels: [
          { host: 'a', port: 26_379 },
          { host: 'b', port: 80 },
        ],
      },
    ],
    [
      'rediss+sentinel://:p@a/m/3?sentinelUsername=s&sentinelPassword=q%26r',
      {
        kind: 'sentinel',
        tls: true,
        password: 'p',
        master: 'm',
        db: 3,
        sentinelUsername: 's',
        sentinelPassword: 'q&r',
      },
    ],
  ])('%s', (url, target) => {
    expect(parseRedisUrl(url)).toMatchObject(target);
    expect(readConfig({ REDIS_URL: url }).redisUrl).toBe(url);
  });
});

describe('no Redis is named by', () => {
  test.each([
    ['localhost:6379', 'expected redis://'],
    ['http://h', 'expected redis://'],
    ['redis+ring://h', 'expected redis://'],
    ['redis://', 'expected redis://'],
    ['//h/socket', 'expected redis://'],
    ['redis://a:1,b:2', 'several hosts need +cluster or +sentinel'],
    ['redis://:se#cret@h', 'as %2F, %3F and %23'],
    ['redis://h/x', 'a database number'],
    ['redis+cluster://u:1/2@h', 'as %2F'],
    ['redis+cluster://a:1,,b:2', 'host 2 of the list is not of the form host:port'],
    ['redis+cluster://a:99999', 'host 1 of the list is not of the form host:port'],
    ['redis+cluster://a:x', 'host 1 of the list is not of the form host:port'],
    ['redis+cluster://u@a', 'user:password'],
    ['redis+cluster://:%@a', 'a literal % as %25'],
    ['redis+cluster://a/1', 'database 0'],
    ['redis+cluster://a?db=1', 'no parameters'],
    ['redis+sentinel://a:1', 'the name of the master is missing'],
    ['redis+sentinel://a/', 'the name of the master is missing'],
    ['redis+sentinel://a/m/one', 'a database number'],
    ['redis+sentinel://a/m/0/1', 'a database number'],
    ['redis+sentinel://a/m?password=x', 'sentinelUsername and sentinelPassword'],
  ])('%s', (url, reason) => {
    expect(() => parseRedisUrl(url)).toThrow(RedisUrlError);
    expect(() => parseRedisUrl(url)).toThrow(reason);
    expect(() => readConfig({ REDIS_URL: url })).toThrow(ConfigError);
    expect(() => readConfig({ REDIS_URL: url })).toThrow(`REDIS_URL=(not shown): `);
  });
});

test('neither a refusal nor the place for people shows a password, wherever a character in it breaks the URL', () => {
  const scheme = fc.constantFrom('redis', 'rediss', 'redis+cluster', 'rediss+cluster', 'redis+sentinel');
  const breaking = fc.constantFrom('', '/', '?', '#', '@', ',', ':', '%', ' ', '&x=', '/../');
  const query = fc.constantFrom('', '?sentinelPassword=tr0ub4dor', '?tr0ub4dor');
  fc.assert(
    fc.property(scheme, breaking, query, (form, character, end) => {
      const url = `${form}://user:63790${character}tr0ub4dor@a:1,b:2/m${end}`;
      let shown = '';
      try {
        shown = locationOf(parseRedisUrl(url));
      } catch (error) {
        shown = (error as Error).message;
      }
      expect(shown).not.toMatch(/tr0ub4dor|63790/);
    }),
  );
});

test('the place of a Redis tells its hosts', () => {
  expect(locationOf(parseRedisUrl('redis://:p@[::1]'))).toBe('redis://[::1]:6379');
  expect(locationOf(parseRedisUrl('redis+cluster://:p@a:1,b'))).toBe('the cluster of a:1, b:6379');
  expect(locationOf(parseRedisUrl('redis+sentinel://:p@a/m?sentinelPassword=q'))).toBe('m of the sentinels a:26379');
});
