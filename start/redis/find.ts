import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Returns the path of the first program with this name in the search path. */
export function findProgram(name: string, searchPath = process.env['PATH'] ?? ''): string | undefined {
  for (const directory of searchPath.split(delimiter)) {
    if (directory === '') continue;
    const candidate = join(directory, name);
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      // Not in this directory.
    }
  }
  return undefined;
}

/** Returns the path of an installed Redis server, or else of Valkey, which BullMQ supports too. */
export function findRedisServer(searchPath?: string): string | undefined {
  return findProgram('redis-server', searchPath) ?? findProgram('valkey-server', searchPath);
}
