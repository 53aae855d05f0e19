import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readModelFolder } from '../../../../models/registry/folder.ts';
import { compactFolder, tinyClipFolder } from '../../../support/model-folders.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vls-folder-'));
  for (const file of ['config.json', 'preprocessor_config.json'])
    await cp(join(tinyClipFolder, file), join(folder, file));
});
afterEach(() => rm(folder, { recursive: true }));

test('a CLIP export says its sizes, its normalisation and where its files are', async () => {
  expect(await readModelFolder(tinyClipFolder)).toEqual({
    visionPath: join(tinyClipFolder, 'onnx', 'vision_model.onnx'),
    textPath: join(tinyClipFolder, 'onnx', 'text_model.onnx'),
    tokenizerPath: join(tinyClipFolder, 'tokenizer.json'),
    tokenizerConfigPath: join(tinyClipFolder, 'tokenizer_config.json'),
    imageSize: 224,
    mean: [0.48145466, 0.4578275, 0.40821073],
    std: [0.26862954, 0.26130258, 0.27577711],
    contextLength: 77,
    dimensions: 32,
  });
});

test('compact is a folder like any other', async () => {
  expect(await readModelFolder(compactFolder)).toMatchObject({ imageSize: 224, contextLength: 128, dimensions: 384 });
});

test.each(['config.json', 'preprocessor_config.json'])('the fault names %s when it is absent', async (file) => {
  await rm(join(folder, file));
  await expect(readModelFolder(folder)).rejects.toThrow(join(folder, file));
});

test.each(['config.json', 'preprocessor_config.json'])('the fault names %s when it is no JSON', async (file) => {
  await writeFile(join(folder, file), '{ "image_size": 224, }');
  await expect(readModelFolder(folder)).rejects.toThrow(join(folder, file));
});

test.each([
  [
    'config.json',
    { projection_dim: 32, text_config: {}, vision_config: { image_size: 224 } },
    'text_config.max_position',
  ],
  ['preprocessor_config.json', { image_mean: [0, 0], image_std: [1, 1, 1] }, 'image_mean'],
])('the fault names %s and the field that is wrong', async (file, content, field) => {
  await writeFile(join(folder, file), JSON.stringify(content));
  await expect(readModelFolder(folder)).rejects.toThrow(join(folder, file));
  await expect(readModelFolder(folder)).rejects.toThrow(field);
});
