import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readModelFolder } from '../../../../models/registry/folder.ts';
import { clipPixels, compactFolder, tinyClipFolder } from '../../../../testing/model-folders.ts';

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
    family: 'clip',
    reference: 'open_clip',
    image: {
      ...clipPixels,
      mean: [0.48145466, 0.4578275, 0.40821073],
      std: [0.26862954, 0.26130258, 0.27577711],
      version: 'pillow-bicubic-3',
    },
    text: {
      clean: 'openclip',
      tokenizer: { kind: 'json' },
      maxTokens: 77,
      pad: { id: 0, to: 0 },
      mask: true,
      version: 'openclip-3.3-1',
    },
    dimensions: 32,
    probability: { kind: 'softmax', scale: 100 },
    outputs: { image: ['image_embeds'], text: ['text_embeds'] },
  });
});

test('compact is a folder like any other', async () => {
  expect(await readModelFolder(compactFolder)).toMatchObject({
    family: 'compact',
    image: { ...clipPixels, version: 'pillow-bicubic-3' },
    text: { clean: 'none', maxTokens: 128, version: 'none-1' },
    dimensions: 384,
    probability: { kind: 'softmax', scale: 20 },
  });
});

test.each(['config.json', 'preprocessor_config.json'])('the error names %s when it is absent', async (file) => {
  await rm(join(folder, file));
  await expect(readModelFolder(folder)).rejects.toThrow(join(folder, file));
});

test.each(['config.json', 'preprocessor_config.json'])('the error names %s when it is not JSON', async (file) => {
  await writeFile(join(folder, file), '{ "image_size": 224, }');
  await expect(readModelFolder(folder)).rejects.toThrow(join(folder, file));
});

test.each([
  ['config.json', { text_config: { max_position_embeddings: 'many' } }, 'text_config.max_position'],
  ['config.json', { model_type: 'llama' }, 'no supported model family has model_type "llama"; set family'],
  ['preprocessor_config.json', { image_mean: [0, 0], image_std: [1, 1, 1] }, 'image_mean'],
  ['preprocessor_config.json', { resample: 1 }, 'only bilinear (2) and bicubic (3) are supported'],
  ['preprocessor_config.json', { size: { height: 224, width: 200 } }, 'size'],
  ['preprocessor_config.json', { size: { shortest_edge: 256 } }, 'size is 256, but the model reads 224 x 224'],
  ['preprocessor_config.json', { crop_size: 336 }, 'crop_size is 336'],
  ['preprocessor_config.json', { crop_size: { height: 224, width: 200 } }, 'crop_size'],
  ['preprocessor_config.json', { do_center_crop: false }, 'do_center_crop'],
  ['preprocessor_config.json', { do_resize: false }, 'do_resize'],
  ['preprocessor_config.json', { do_rescale: false }, 'do_rescale'],
  ['preprocessor_config.json', { rescale_factor: 1 }, 'only 1/255 is supported'],
])('the error names %s and the field that is wrong', async (file, content, field) => {
  await writeFile(join(folder, file), JSON.stringify(content));
  await expect(readModelFolder(folder)).rejects.toThrow(join(folder, file));
  await expect(readModelFolder(folder)).rejects.toThrow(field);
});

test('fields that transformers leaves out of a saved CLIP have its defaults', async () => {
  await writeFile(join(folder, 'config.json'), JSON.stringify({ model_type: 'clip', vision_config: {} }));
  await writeFile(join(folder, 'preprocessor_config.json'), JSON.stringify({ size: 224, crop_size: 224 }));
  expect(await readModelFolder(folder)).toMatchObject({
    image: {
      size: 224,
      mean: [0.48145466, 0.4578275, 0.40821073],
      std: [0.26862954, 0.26130258, 0.27577711],
    },
    text: { maxTokens: 77 },
    dimensions: 512,
  });
});

test('a model without normalisation takes values from 0 to 1', async () => {
  await writeFile(join(folder, 'preprocessor_config.json'), JSON.stringify({ do_normalize: false }));
  expect(await readModelFolder(folder)).toMatchObject({ image: { mean: [0, 0, 0], std: [1, 1, 1] } });
});

describe('a folder that leaves facts out', () => {
  const files = ['config.json', 'preprocessor_config.json'];
  const preprocess = { imageSize: 336, mean: [0.1, 0.2, 0.3], std: [1, 1, 1] } as const;
  const stated = { dimensions: 768, contextLength: 40, logitScale: 50, preprocess };

  test('has those of its registry entry', async () => {
    for (const file of files) await rm(join(folder, file));
    expect(await readModelFolder(folder, stated)).toMatchObject({
      family: 'clip',
      image: { size: 336, mean: [0.1, 0.2, 0.3], std: [1, 1, 1] },
      text: { maxTokens: 40 },
      dimensions: 768,
      probability: { scale: 50 },
    });
  });

  test('is refused where the entry is silent too', async () => {
    await rm(join(folder, 'preprocessor_config.json'));
    await expect(readModelFolder(folder, { dimensions: 32 })).rejects.toThrow('preprocessor_config.json');
  });

  test('counts before its registry entry in what it does state', async () => {
    const { image, text } = await readModelFolder(folder, { ...stated, dimensions: 32 });
    expect([image.size, image.mean[0], text.maxTokens]).toEqual([224, 0.48145466, 77]);
  });

  test('is refused where the entry states another length of an embedding', async () => {
    await expect(readModelFolder(folder, stated)).rejects.toThrow(
      'the files state 32, but the registry entry states 768',
    );
  });
});

test('a registry entry can name the family', async () => {
  await writeFile(join(folder, 'config.json'), JSON.stringify({ projection_dim: 32 }));
  expect((await readModelFolder(folder, { family: 'clip' })).family).toBe('clip');
  await expect(readModelFolder(folder, { family: 'compact' })).rejects.toThrow('model_type');
});
