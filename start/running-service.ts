import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readPidFile } from './pid-file.ts';

/** The files in which `npm start` records its process and, when the service is ready, its address. */
export const recordsIn = (dataDir: string) => ({
  pidFile: join(dataDir, 'start.pid'),
  addressFile: join(dataDir, 'start.url'),
});

/**
 * Returns the address of the service that runs with this data directory; undefined if none runs, or before it is ready.
 */
export function findRunningService(dataDir: string): string | undefined {
  const { pidFile, addressFile } = recordsIn(dataDir);
  return readPidFile(pidFile) === undefined ? undefined : readAddress(addressFile);
}

function readAddress(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
