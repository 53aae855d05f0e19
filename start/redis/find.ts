import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Returns the path of the first program with this name in the directories of the search path, or undefined. */
export function findProgram(name: string, searchPath = process.env['PATH'] ?? ''): string | undefined {
  for (const directory of searchPath.split(delimiter)) {
    if (directory === '') continue;
    const candidate = join(directory, name);
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      // The program is not in this directory. The next directory is tried.
    }
  }
  return undefined;
}

/**
 * Returns the path of an installed Redis server, or otherwise of Valkey, which replaces Redis on newer systems and also
 * works with BullMQ.
 */
export function findRedisServer(searchPath?: string): string | undefined {
  return findProgram('redis-server', searchPath) ?? findProgram('valkey-server', searchPath);
}
