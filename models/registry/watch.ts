import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Entries, type RegistryConfig, registryFiles } from './entries.ts';
import { precisionsIn } from './folder.ts';

/** How soon a change is seen, in milliseconds. Asked for rather than notified: mounts of containers do not notify. */
const pollMs = 2_000;

/** Calls `onChange` when a registry file changes, or the files of a model come or go. */
export function createRegistryWatch(
  config: RegistryConfig,
  entries: () => Entries,
  onChange: () => Promise<void>,
): { close(): void } {
  const fingerprint = async (): Promise<string> => {
    const files = registryFiles(config).map(versionOf);
    const models = [...entries().models.values()].map(async ({ model, directory }) => [
      model,
      ...(await precisionsIn(directory)),
      // Encoders that start later would miss it, or not know of it.
      await versionOf(join(directory, 'golden.json')),
    ]);
    return JSON.stringify(await Promise.all([...files, ...models]));
  };
  let last: string | undefined;
  let busy = false;
  const look = async () => {
    if (busy) return;
    busy = true;
    try {
      const seen = await fingerprint();
      if (last !== undefined && seen !== last) {
        // What was seen before, not what is there after: a file that changed again meanwhile has not been read.
        await onChange();
      }
      last = seen;
    } finally {
      busy = false;
    }
  };
  void look();
  const timer = setInterval(() => void look(), pollMs);
  timer.unref();
  return { close: () => clearInterval(timer) };
}

const versionOf = (file: string): Promise<string> =>
  stat(file).then(
    ({ mtimeMs, size, ino }) => `${mtimeMs}:${size}:${ino}`,
    () => 'absent',
  );
