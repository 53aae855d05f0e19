import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Entries, type RegistryConfig, registryFiles } from './entries.ts';
import { precisionsIn } from './folder.ts';

/** The interval of the checks in ms. File notifications do not work on container mounts. */
const pollMs = 2_000;

/** Calls `onChange` when a registry file changes, or model files are added or removed. */
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
      // Encoder processes that start later are tested with golden.json.
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
        // `seen` is from before this call, so a file that changes during the call causes another reload.
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
