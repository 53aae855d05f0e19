import { expect, test } from 'vitest';
import { fullestOf, infoField, serverOf, versionOf } from '../../../shared/redis/info.ts';

const info = (used: number, limit: number, machine: number) =>
  `# Memory\r\nused_memory:${used}\r\nused_memory_rss:1\r\nmaxmemory:${limit}\r\ntotal_system_memory:${machine}\r\n`;

test('a field is read whole, and not for another that begins like it', () => {
  expect(infoField(info(5, 10, 100), 'used_memory')).toBe('5');
  expect(infoField(info(5, 10, 100), 'memory')).toBeUndefined();
});

test('the fullest server is the one with the largest share in use, not with the most', () => {
  expect(fullestOf([info(50, 100, 0), info(9, 10, 0), info(500, 10_000, 0)])).toEqual({ used: 9, limit: 10 });
});

test('without a limit of its own a server has the memory of its machine, and without that none is known', () => {
  expect(fullestOf([info(5, 0, 100)])).toEqual({ used: 5, limit: 100 });
  expect(fullestOf([info(5, 0, 0)])).toEqual({ used: 5, limit: 0 });
});

test('Valkey is known by its own name and version, not by the Redis that it says it is compatible with', () => {
  const valkey = '# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.1\r\n';
  expect([serverOf(valkey), versionOf(valkey)]).toEqual(['Valkey', '8.1.1']);
  expect([serverOf('redis_version:7.0.15\r\n'), versionOf('redis_version:7.0.15\r\n')]).toEqual(['Redis', '7.0.15']);
  expect(versionOf('')).toBeNull();
});
