import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { survey } from '../../../models/pulling/dry-run.ts';
import { httpHub } from '../../../models/pulling/http-hub.ts';
import { verify } from '../../../models/pulling/verify.ts';
import { type HubEntry, isHubEntry, readEntries } from '../../../models/registry/entries.ts';
import { loadRegistry } from '../../../models/registry/registry.ts';
import { realRepositories, registryOfSmallContents } from '../../support/hub/real-repositories.ts';
import { startHub } from '../../support/hub/server.ts';
import { failureOf, pullTiny } from '../../support/hub/tiny-model.ts';

let directory: string;
let settings: { dataDir: string; modelsFile: string; model: undefined };
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vls-real-'));
  const modelsFile = join(directory, 'models.json');
  await writeFile(modelsFile, registryOfSmallContents());
  settings = { dataDir: join(directory, 'data'), modelsFile, model: undefined };
});
afterEach(() => rm(directory, { recursive: true }));

async function entryOf(profile: string, dataDir = settings.dataDir): Promise<HubEntry> {
  const entry = (await readEntries({ ...settings, dataDir })).find(profile);
  if (entry === undefined || !isHubEntry(entry)) throw new Error(`${profile} is not from a hub`);
  return entry;
}

const allPrecisions = ['fp32', 'fp16', 'int8'] as const;
const startRealHub = () => startHub(realRepositories);

describe.each([
  ['fast', 'vit-b-32', 512],
  ['accurate', 'vit-l-14', 768],
])('the pull of %s', (profile, model, dimensions) => {
  test('asks for files that the repository has, in every precision, and is what the registry resolves', async () => {
    const hub = await startRealHub();
    const entry = await entryOf(profile);
    const pulled = await pullTiny(hub, entry, { precisions: allPrecisions });
    expect(pulled).toMatchObject({ outcome: 'pulled', model, warnings: [] });
    expect(hub.requests.filter(({ status }) => status >= 400)).toEqual([]);
    expect(await verify(entry)).toMatchObject({ state: 'intact' });
    const { spec } = await (await loadRegistry(settings)).resolve(profile);
    expect(spec).toMatchObject({ model, dimensions, precision: 'fp32', image: { size: 224 }, text: { maxTokens: 77 } });
  });

  test('says which of its hashes the hub has confirmed', async () => {
    const { notes } = await pullTiny(await startRealHub(), await entryOf(profile), { precisions: allPrecisions });
    const confirmed = ['text_model.onnx', 'vision_model_fp16.onnx', 'text_model_fp16.onnx'];
    expect(notes).toEqual(profile === 'fast' ? [] : confirmed.map((file) => expect.stringContaining(file)));
  });

  test('is resumed and intact wherever a connection breaks', async () => {
    const whole = await startRealHub();
    await pullTiny(whole, await entryOf(profile, join(directory, 'whole')));
    for (let at = 1; at <= whole.requests.length; at++) {
      const hub = await startRealHub();
      hub.breakAt = at;
      const entry = await entryOf(profile, join(directory, `cut-${at}`));
      expect(await failureOf(pullTiny(hub, entry, { attempts: 1 }))).toMatchObject({ code: 'network' });
      expect((await verify(entry)).state).toBe('absent');
      expect(await pullTiny(hub, entry, { attempts: 1 })).toMatchObject({ outcome: 'pulled', warnings: [] });
      expect(await verify(entry)).toMatchObject({ state: 'intact' });
    }
  });

  test('is resumed and intact wherever a tower breaks, without fetching a byte twice', async () => {
    const hub = await startRealHub();
    const entry = await entryOf(profile);
    for (const cutAfter of [1, 400_000, 400_000]) {
      hub.mishaps.push({ cutAfter });
      expect(await failureOf(pullTiny(hub, entry, { attempts: 1 }))).toMatchObject({ code: 'network' });
    }
    // The first tower ends, and the second one breaks.
    hub.mishaps.push({}, { cutAfter: 3_000_000 });
    expect(await failureOf(pullTiny(hub, entry, { attempts: 1 }))).toMatchObject({ code: 'network' });
    expect(await pullTiny(hub, entry, { attempts: 1 })).toMatchObject({ outcome: 'pulled' });
    expect(hub.downloads().map(({ status }) => status)).toEqual([200, 206, 206, 206, 200, 206]);
    expect(await verify(entry)).toMatchObject({ state: 'intact' });
  });
});

describe('a dry run', () => {
  const surveyOf = async (hub: { url: string }, profile: string) =>
    await survey(await entryOf(profile), {
      hub: httpHub({ endpoint: hub.url }),
      precisions: allPrecisions,
      attempts: 1,
    });

  test('states sizes and hashes of all files, and fetches nothing', async () => {
    const hub = await startRealHub();
    const { files, bytes } = await surveyOf(hub, 'fast');
    expect(files.map(({ local, state }) => [local, state])).toEqual([
      ['config.json', 'unpinned'],
      ['preprocessor_config.json', 'unpinned'],
      ['tokenizer.json', 'unpinned'],
      ['tokenizer_config.json', 'unpinned'],
      ['onnx/vision_model.onnx', 'agrees'],
      ['onnx/text_model.onnx', 'agrees'],
      ['onnx/vision_model_fp16.onnx', 'agrees'],
      ['onnx/text_model_fp16.onnx', 'agrees'],
      ['onnx/vision_model_quantized.onnx', 'agrees'],
      ['onnx/text_model_quantized.onnx', 'agrees'],
    ]);
    expect(bytes).toBe(files.reduce((sum, file) => sum + (file.bytes ?? 0), 0));
    expect(hub.requests.filter(({ method }) => method !== 'HEAD')).toMatchObject([
      { path: expect.stringContaining('/api/') },
    ]);
  });

  test('names what the hub contradicts and what it lacks, each for itself', async () => {
    const name = 'Xenova/clip-vit-base-patch32';
    const { commit = '', files = {} } = realRepositories[name] ?? {};
    const { 'tokenizer.json': _absent, ...others } = files;
    const changed = { ...others, 'onnx/text_model.onnx': Buffer.from('\x08 other weights') };
    const hub = await startHub({ [name]: { commit, files: changed } });
    const found = (await surveyOf(hub, 'fast')).files.filter(({ fault }) => fault !== null);
    expect(found).toMatchObject([
      { local: 'tokenizer.json', state: 'failed', fault: expect.stringContaining('no such file') },
      { local: 'onnx/text_model.onnx', state: 'differs', fault: expect.stringContaining('the registry states') },
    ]);
  });
});
