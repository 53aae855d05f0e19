import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { findRedisServer } from '../../start/redis/find.ts';

/**
 * Prepares what several files need, once a run: builds the page if its sources have changed.
 * @throws {Error} where there is no Redis server. `npm test` installs one before it comes here.
 */
export default function prepare(): void {
  if (findRedisServer() === undefined)
    throw new Error('The tests need redis-server; `npm test` installs it where that needs no password');
  const build = fileURLToPath(new URL('../../start/bootstrap/page.js', import.meta.url));
  spawnSync(process.execPath, [build], { stdio: 'inherit' });
}
