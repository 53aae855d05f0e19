import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadRegistry } from '../../../models/registry/registry.ts';
import { called, modelFlags } from '../../../shared/called.ts';
import { startHub } from '../../support/hub/server.ts';
import { commit, failureOf, pullTiny, tinyEntry, tinyFiles } from '../../support/hub/tiny-model.ts';

test('the list of models has the command of a pull, shows one that runs and one that was interrupted', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'vls-seen-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const entry = await tinyEntry(directory);
  const settings = { dataDir: join(directory, 'data'), modelsFile: join(directory, 'models.json'), model: undefined };
  const registry = await loadRegistry(settings);
  const seen = async () => (await registry.list()).find(({ model }) => model === 'tiny');
  expect(await seen()).toMatchObject({ pullCommand: `${called} models pull tiny${modelFlags(settings)}`, pull: null });
  expect((await registry.list()).find(({ model }) => model === 'compact-1')).toMatchObject({ pullCommand: null });

  const hub = await startHub({ 'someone/clip': { commit, files: tinyFiles } });
  hub.mishaps.push({ stallAfter: 100_000 });
  const controller = new AbortController();
  const pulling = failureOf(pullTiny(hub, entry, { signal: controller.signal }));
  await hub.stalled();
  const bytes = Object.values(tinyFiles).reduce((sum, file) => sum + file.length, 0);
  const small = Object.entries(tinyFiles).reduce(
    (sum, [name, file]) => sum + (name.endsWith('.onnx') ? 0 : file.length),
    0,
  );
  await expect.poll(async () => (await seen())?.pull?.receivedBytes).toBe(small + 100_000);
  expect((await seen())?.pull).toMatchObject({ state: 'running', bytes });

  controller.abort();
  expect(await pulling).toMatchObject({ code: 'stopped' });
  expect((await seen())?.pull).toMatchObject({ state: 'interrupted', receivedBytes: small + 100_000 });
  await pullTiny(hub, entry);
  expect((await seen())?.pull).toBeNull();
});
