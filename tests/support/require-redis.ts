import { spawnSync } from 'node:child_process';

/** `npm test` installs a Redis server before it comes here; a run of vitest alone is told what is absent. */
export default function requireRedis(): void {
  if (spawnSync('redis-server', ['--version']).status === 0) return;
  throw new Error('The tests need redis-server; `npm test` installs it where that needs no password');
}
