import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StartError } from '../start-error.ts';

// sockaddr_un holds 104 bytes on macOS and 108 on Linux, the closing zero included.
const LONGEST_BYTES = 100;

/** Where the managed Redis listens: in its own directory, or, where that path is too long, in a private temporary one. */
export function socketPathFor(redisDir: string): string {
  const path = join(redisDir, 'redis.sock');
  if (Buffer.byteLength(path) <= LONGEST_BYTES) return path;
  // The same for every start of this directory, so that a Redis left by a dead supervisor is found again.
  const name = createHash('sha256').update(redisDir).digest('hex').slice(0, 16);
  return join(privateDirectory(join(tmpdir(), `vls-${name}`)), 'redis.sock');
}

/** @throws {StartError} when someone else was there first: /tmp is everyone's. */
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
