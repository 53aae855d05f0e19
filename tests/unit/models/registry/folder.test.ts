import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readModelFolder } from '../../../../models/registry/folder.ts';
import { compactFolder, tinyClipFolder } from '../../../../testing/model-folders.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vls-folder-'));
  for (const file of ['config.json', 'preprocessor_config.json', 'tokenizer.json'])
    await cp(join(tinyClipFolder, file), join(folder, file));
});
afterEach(() => rm(folder, { recursive: true }));

test('a CLIP export says its sizes, its normalisation and where its files are', async () => {
  expect(await readModelFolder(tinyClipFolder)).toEqual({
    visionPath: join(tinyClipFolder, 'onnx', 'vision_model.onnx'),
    textPath: join(tinyClipFolder, 'onnx', 'text_model.onnx'),
    tokenizerPath: join(tinyClipFolder, 'tokenizer.json'),
    tokenizerConfigPath: join(tinyClipFolder, 'tokenizer_config.json'),
    textCleaning: 'openclip-3.3-1',
    imageSize: 224,
    mean: [0.48145466, 0.4578275, 0.40821073],
    std: [0.26862954, 0.26130258, 0.27577711],
    contextLength: 77,
    dimensions: 32,
  });
});

test('compact is a folder like any other', async () => {
  expect(await readModelFolder(compactFolder)).toMatchObject({
    ...{ imageSize: 224, contextLength: 128, dimensions: 384 },
    textCleaning: 'none-1',
  });
});

test.each(['config.json', 'preprocessor_config.json', 'tokenizer.json'])(
  'the fault names %s when it is absent',
  async (file) => {
    await rm(join(folder, file));
    await expect(readModelFolder(folder)).rejects.toThrow(join(folder, file));
  },
);

test.each(['config.json', 'preprocessor_config.json'])('the fault names %s when it is no JSON', async (file) => {
  await writeFile(join(folder, file), '{ "image_size": 224, }');
  await expect(readModelFolder(folder)).rejects.toThrow(join(folder, file));
});

test.each([
  ['config.json', { text_config: { max_position_embeddings: 'many' } }, 'text_config.max_position'],
  ['config.json', { model_type: 'siglip' }, 'this family of models is not supported'],
  ['preprocessor_config.json', { image_mean: [0, 0], image_std: [1, 1, 1] }, 'image_mean'],
  ['preprocessor_config.json', { resample: 2 }, 'only bicubic (3) is built in'],
  ['preprocessor_config.json', { size: { height: 224, width: 224 } }, 'size'],
  ['preprocessor_config.json', { size: { shortest_edge: 256 } }, 'size is 256, and the model reads 224 x 224'],
  ['preprocessor_config.json', { crop_size: 336 }, 'crop_size is 336'],
  ['preprocessor_config.json', { crop_size: { height: 224, width: 200 } }, 'crop_size'],
  ['preprocessor_config.json', { do_center_crop: false }, 'do_center_crop'],
  ['preprocessor_config.json', { do_resize: false }, 'do_resize'],
  ['preprocessor_config.json', { do_rescale: false }, 'do_rescale'],
  ['preprocessor_config.json', { rescale_factor: 1 }, 'only 1/255 is built in'],
])('the fault names %s and the field that is wrong', async (file, content, field) => {
  await writeFile(join(folder, file), JSON.stringify(content));
  await expect(readModelFolder(folder)).rejects.toThrow(join(folder, file));
  await expect(readModelFolder(folder)).rejects.toThrow(field);
});

test('fields that transformers leaves out of a saved CLIP have its defaults', async () => {
  await writeFile(join(folder, 'config.json'), JSON.stringify({ model_type: 'clip', vision_config: {} }));
  await writeFile(join(folder, 'preprocessor_config.json'), JSON.stringify({ size: 224, crop_size: 224 }));
  expect(await readModelFolder(folder)).toMatchObject({
    ...{ imageSize: 224, contextLength: 77, dimensions: 512 },
    mean: [0.48145466, 0.4578275, 0.40821073],
    std: [0.26862954, 0.26130258, 0.27577711],
  });
});

test('a model without normalisation takes values from 0 to 1', async () => {
  await writeFile(join(folder, 'preprocessor_config.json'), JSON.stringify({ do_normalize: false }));
  expect(await readModelFolder(folder)).toMatchObject({ mean: [0, 0, 0], std: [1, 1, 1] });
});
