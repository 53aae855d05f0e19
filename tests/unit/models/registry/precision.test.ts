import { cpSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ModelPrecision, Precision } from '../../../../models/model.ts';
import { readEntries } from '../../../../models/registry/entries.ts';
import { onCpu } from '../../../../models/registry/execution.ts';
import { precisionsIn } from '../../../../models/registry/folder.ts';
import { filesOf } from '../../../../models/registry/layouts.ts';
import { defaultPrecision, precisionFor, wantedPrecisions } from '../../../../models/registry/precision.ts';
import { loadRegistry } from '../../../../models/registry/registry.ts';
import { readSpec } from '../../../../models/registry/spec.ts';
import { dot, familyFolder, goldenFamily, measure } from '../../../support/golden-family.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vls-precision-'));
});
afterEach(() => rm(directory, { recursive: true }));

const gpu = { ...onCpu, device: { provider: 'cuda', reason: 'of the test', count: 1 } } as const;

/** A model folder with these graphs, and an entry with this precision. */
async function entryWith(graphs: string[], precision: unknown) {
  const folder = join(directory, 'model');
  cpSync(familyFolder('siglip2'), folder, { recursive: true });
  const source = { 'onnx/vision_model.onnx': true, 'onnx/text_model.onnx': true };
  for (const graph of [...Object.keys(source), ...graphs]) if (!graphs.includes(graph)) await rm(join(folder, graph));
  for (const graph of graphs.filter((name) => !(name in source))) {
    await mkdir(dirname(join(folder, graph)), { recursive: true });
    cpSync(join(familyFolder('siglip2'), graph.replace('_fp16', '')), join(folder, graph));
  }
  const modelsFile = join(directory, 'models.json');
  const entry = { source: { type: 'folder', path: 'model' }, logitScale: 112.67, logitBias: -16.77, precision };
  await writeFile(modelsFile, JSON.stringify({ models: { tested: entry } }));
  const config = { dataDir: directory, modelsFile, model: undefined };
  const found = (await readEntries(config)).find('tested');
  if (found === undefined) throw new Error('the entry is not there');
  return { entry: found, config };
}

const all = ['vision_model', 'text_model', 'vision_model_fp16', 'text_model_fp16'].map((name) => `onnx/${name}.onnx`);
const visionHalf = ['onnx/vision_model_fp16.onnx', 'onnx/text_model.onnx'];

describe('the precision of a tower', () => {
  test.each<[stated: unknown, asked: Precision, ModelPrecision]>([
    [undefined, 'fp16', 'fp16'],
    ['fp32', 'fp16', 'fp16'],
    [{ text: 'fp32' }, 'fp16', 'fp16+fp32'],
    [{ text: 'fp32' }, 'fp32', 'fp32'],
    [{ vision: 'int8' }, 'fp32', 'int8+fp32'],
    [{ vision: 'fp16', text: 'fp32' }, 'int8', 'int8'],
  ])('with %j in the entry is, where %s is asked for, %s', async (stated, asked, precision) => {
    const { entry } = await entryWith(all, stated);
    expect(precisionFor(entry, asked)).toBe(precision);
    expect(wantedPrecisions(entry, [asked])).toEqual([precision]);
  });

  test('decides which files are pulled', () => {
    const source = { repo: 'someone/model', revision: 'main', layout: 'onnx-community' } as const;
    expect(filesOf(source, 'fp16+fp32').map(({ local }) => local)).toEqual(expect.arrayContaining(visionHalf));
    const marqo = { ...source, repo: 'someone/onnx-open_clip-Tiny', layout: 'marqo', weights: 'w' } as const;
    expect(filesOf(marqo, 'fp16+fp32').map(({ path }) => path)).toEqual(
      expect.arrayContaining(['onnx16-open_clip-Tiny-w-visual.onnx', 'onnx32-open_clip-Tiny-w-textual.onnx']),
    );
    expect(
      filesOf({ ...source, layout: 'one-file' }, 'fp16+fp32').filter(({ local }) => local.endsWith('.onnx')),
    ).toHaveLength(2);
    expect(() => filesOf({ ...source, layout: 'immich' }, 'fp32+fp16')).toThrow('fp16');
  });

  test('is by default what the entry states, and fp32', async () => {
    expect(defaultPrecision((await entryWith(all, undefined)).entry)).toBe('fp32');
    expect(defaultPrecision((await entryWith(all, { vision: 'fp16' })).entry)).toBe('fp16+fp32');
  });

  test.each([
    ['a precision nobody knows', { vision: 'fp8' }],
    ['a tower nobody knows', { audio: 'fp16' }],
    ['no tower', {}],
  ])('with %s is refused by its field', async (_what, stated) => {
    await expect(entryWith(all, stated)).rejects.toThrow('models.tested.precision');
  });
});

describe('a model whose towers differ', () => {
  test('is served with both precisions in its receipts, and gives the golden values', async () => {
    const { entry, config } = await entryWith(visionHalf, { vision: 'fp16', text: 'fp32' });
    const { spec } = await (await loadRegistry(config)).resolve('tested');
    expect(spec).toMatchObject({
      precision: 'fp16+fp32',
      visionPath: join(entry.directory, 'onnx/vision_model_fp16.onnx'),
      textPath: join(entry.directory, 'onnx/text_model.onnx'),
    });
    const golden = goldenFamily('siglip2');
    const some = { ...golden, images: golden.images.slice(0, 1), texts: golden.texts.slice(0, 1) };
    const { images, texts } = await measure(spec, some);
    expect(dot(images[0] ?? [], some.images[0]?.embedding ?? [])).toBeGreaterThan(1 - 1e-4);
    expect(dot(texts[0] ?? [], some.texts[0]?.embedding ?? [])).toBeGreaterThan(1 - 1e-4);
  });

  test('lists what it can have', async () => {
    const { entry } = await entryWith([...visionHalf, 'onnx/vision_model.onnx'], undefined);
    expect(await precisionsIn(entry.directory)).toEqual(['fp32', 'fp16+fp32']);
  });

  test('takes fp16 for images alone on a GPU, where its entry states fp32 for texts', async () => {
    const { entry } = await entryWith(all, { text: 'fp32' });
    expect((await readSpec(entry, gpu)).precision).toBe('fp16+fp32');
    expect((await readSpec(entry, onCpu)).precision).toBe('fp32');
    expect((await readSpec(entry, { ...gpu, precision: 'fp16' })).precision).toBe('fp16+fp32');
  });

  test('has on a GPU no mixture that its entry does not state', async () => {
    const { entry } = await entryWith([...visionHalf, 'onnx/vision_model.onnx'], undefined);
    expect((await readSpec(entry, gpu)).precision).toBe('fp32');
  });

  test('keeps the precision of a batch that was posted with it', async () => {
    const { config } = await entryWith(all, { text: 'fp32' });
    const registry = await loadRegistry(config, gpu);
    const { spec } = await registry.resolve('tested');
    const pinned = {
      model: 'tested',
      revision: spec.revision,
      precision: 'fp32',
      preprocess: `${spec.image.version}-exact`,
    };
    expect(await registry.resolvePinned(pinned)).toMatchObject({ precision: 'fp32' });
    expect(await registry.resolvePinned({ ...pinned, precision: 'fp16+fp32' })).toMatchObject({
      precision: 'fp16+fp32',
    });
  });

  test('names the files to pull when one is not here', async () => {
    const { entry } = await entryWith(['onnx/vision_model.onnx', 'onnx/text_model.onnx'], {
      vision: 'fp16',
      text: 'fp32',
    });
    await expect(readSpec(entry, onCpu)).rejects.toThrow('has fp32 here, not fp16+fp32');
  });
});
