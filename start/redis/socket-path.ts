import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StartError } from '../start-error.ts';

// The maximum length of a socket path. `sockaddr_un` allows 104 bytes on macOS and 108 on Linux, including the
// terminating zero.
const LONGEST_BYTES = 100;

/**
 * Returns the socket path of the managed Redis: in its directory, or in a private temporary directory if that path is
 * too long.
 */
export function socketPathFor(redisDir: string): string {
  const path = join(redisDir, 'redis.sock');
  if (Buffer.byteLength(path) <= LONGEST_BYTES) return path;
  // The path stays the same, so that the Redis of a crashed supervisor is found.
  const name = createHash('sha256').update(redisDir).digest('hex').slice(0, 16);
  return join(privateDirectory(join(tmpdir(), `vls-${name}`)), 'redis.sock');
}

/**
 * Creates the directory if it is missing.
 * @throws {StartError} if another user owns it or may use it, which is possible in /tmp.
 */
function privateDirectory(path: string): string {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const found = lstatSync(path);
  const isOurs = found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o077) === 0;
  if (!isOurs)
    throw new StartError(
      `${path} exists and is not a private directory of this user. Remove it, or set DATA_DIR to a shorter path.`,
    );
  return path;
}
