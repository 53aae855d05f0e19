import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { readEntries } from '../../../../models/registry/entries.ts';
import { createRegistryWatch } from '../../../../models/registry/watch.ts';
import { until } from '../../../../testing/until.ts';

test('a file that changes again while it is read is read again', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'vls-watch-'));
  const modelsFile = join(directory, 'models.json');
  await writeFile(modelsFile, '{}');
  const config = { dataDir: directory, modelsFile, model: undefined };
  const entries = await readEntries(config);
  const onChange = vi.fn(async () => {
    if (onChange.mock.calls.length === 1) await writeFile(modelsFile, '{ "models": {} }');
  });
  const watch = createRegistryWatch(config, () => entries, onChange);
  try {
    // The watch compares with what it finds first, and does not say when that is.
    await until(async () => {
      await writeFile(modelsFile, '{ }');
      return onChange.mock.calls.length > 0;
    });
    await until(() => expect(onChange).toHaveBeenCalledTimes(2));
  } finally {
    watch.close();
    await rm(directory, { recursive: true });
  }
});
