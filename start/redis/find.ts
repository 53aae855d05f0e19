import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Absolute path of the first such program on the search path, or undefined. */
export function findProgram(name: string, searchPath = process.env['PATH'] ?? ''): string | undefined {
  for (const directory of searchPath.split(delimiter)) {
    if (directory === '') continue;
    const candidate = join(directory, name);
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      // Not here.
    }
  }
  return undefined;
}

/** The installed Redis server, or Valkey, its successor on newer systems and the same to BullMQ. */
export function findRedisServer(searchPath?: string): string | undefined {
  return findProgram('redis-server', searchPath) ?? findProgram('valkey-server', searchPath);
}
