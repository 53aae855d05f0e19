import { writeFileSync } from 'node:fs';

// Redis is the only store of the queue: every write is on disk before it is acknowledged, and nothing is evicted. Only
// the append-only file is used; `save ""` turns off snapshots.
const DURABLE = {
  appendonly: 'yes',
  appendfsync: 'always',
  'aof-use-rdb-preamble': 'yes',
  save: '',
  'maxmemory-policy': 'noeviction',
};

/** Writes a redis.conf that only its owner may read: it may contain the password. */
export function writeRedisConf(path: string, settings: Record<string, string>): void {
  const lines = Object.entries({ ...DURABLE, ...settings }).map(([name, value]) => `${name} ${quoted(value)}`);
  writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o600 });
}

function quoted(value: string): string {
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
