import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readModelFacts } from '../../../../models/families/index.ts';
import type { ModelFacts } from '../../../../models/model.ts';
import { readEntries } from '../../../../models/registry/entries.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vls-catalogue-'));
});
afterEach(() => rm(directory, { recursive: true }));

/** Descriptions as the repositories have them, reduced to the fields that a family reads. */
type Descriptions = Record<string, object>;

const clipMean = { mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711] };
const halfMean = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
const processor = (size: object, { mean, std }: { mean: number[]; std: number[] }, more: object = {}) => ({
  'preprocessor_config.json': { size, image_mean: mean, image_std: std, resample: 3, do_normalize: true, ...more },
});

const clip = (dimensions: number, size: number): Descriptions => ({
  'config.json': {
    model_type: 'clip',
    projection_dim: dimensions,
    text_config: { max_position_embeddings: 77 },
    vision_config: { image_size: size },
  },
  ...processor({ shortest_edge: size }, clipMean, { do_center_crop: true, crop_size: { height: size, width: size } }),
});
const immich = (dimensions: number, size: number, text: object = {}, steps: object = clipMean): Descriptions => ({
  'config.json': { embed_dim: dimensions, vision_cfg: { image_size: size, layers: 12 }, text_cfg: text },
  'preprocess_cfg.json': {
    size: [size, size],
    mode: 'RGB',
    interpolation: 'bicubic',
    resize_mode: 'shortest',
    ...steps,
  },
});
const siglip = (vision: object, text: object, size: number, more: object = {}): Descriptions => ({
  'config.json': { model_type: 'siglip', text_config: text, vision_config: vision },
  ...processor({ height: size, width: size }, halfMean, { do_center_crop: undefined, ...more }),
});
const gemma = { 'tokenizer_config.json': { tokenizer_class: 'GemmaTokenizer' } };
const siglip2 = (vision: object, text: object, size: number): Descriptions => ({
  ...siglip(vision, text, size, { resample: 2 }),
  ...gemma,
});
const mobileclip: Descriptions = {
  'config.json': { model_type: 'clip_vision_model', projection_dim: 512, image_size: 256 },
  'preprocessor_config.json': {
    do_normalize: false,
    size: { shortest_edge: 256 },
    crop_size: { height: 256, width: 256 },
    resample: 2,
  },
};
const xlm = { context_length: 77, hf_model_name: 'xlm-roberta-base', hf_tokenizer_name: 'xlm-roberta-base' };

const repositories: Record<string, [Descriptions, family: ModelFacts['family'], imageSize: number, maxTokens: number]> =
  {
    'vit-b-16': [clip(512, 224), 'clip', 224, 77],
    'vit-l-14-336': [clip(768, 336), 'clip', 336, 77],
    'vit-b-32-laion2b': [immich(512, 224), 'clip', 224, 77],
    'vit-l-14-laion2b': [immich(768, 224, { context_length: 77 }, halfMean), 'clip', 224, 77],
    'vit-h-14-laion2b': [immich(1024, 224, { context_length: 77 }), 'clip', 224, 77],
    'vit-l-14-dfn2b': [immich(768, 224, { context_length: 77 }), 'clip', 224, 77],
    'vit-h-14-dfn5b': [immich(1024, 224, { context_length: 77 }), 'clip', 224, 77],
    'siglip-b-16-224': [siglip({}, {}, 224), 'siglip', 224, 64],
    'siglip-so400m-384': [
      immich(
        1152,
        384,
        { context_length: 64, hf_tokenizer_name: 'timm/ViT-B-16-SigLIP', no_causal_mask: true },
        { ...halfMean, resize_mode: 'squash' },
      ),
      'siglip',
      384,
      64,
    ],
    'siglip2-b-16-224': [siglip2({}, {}, 224), 'siglip2', 224, 64],
    'siglip2-l-16-256': [siglip2({ image_size: 256 }, { hidden_size: 1024 }, 256), 'siglip2', 256, 64],
    'siglip2-so400m-384': [siglip2({ image_size: 384 }, { hidden_size: 1152 }, 384), 'siglip2', 384, 64],
    'mobileclip2-s0': [mobileclip, 'mobileclip', 256, 77],
    'mobileclip2-s2': [mobileclip, 'mobileclip', 256, 77],
    'metaclip2-h-14-378': [
      {
        ...clip(1024, 378),
        'config.json': {
          model_type: 'metaclip_2',
          projection_dim: 1024,
          text_config: { max_position_embeddings: 77 },
          vision_config: { image_size: 378 },
        },
      },
      'xlm-roberta',
      378,
      77,
    ],
    'chinese-clip-b-16': [
      {
        'config.json': { model_type: 'chinese_clip', projection_dim: 512 },
        ...processor({ height: 224, width: 224 }, clipMean, { do_center_crop: false, crop_size: 224 }),
      },
      'chinese-clip',
      224,
      52,
    ],
    'xlm-roberta-b-32': [immich(512, 224, xlm), 'xlm-roberta', 224, 77],
  };

const { models } = await readEntries({ dataDir: '/nowhere', modelsFile: undefined, model: undefined });

test('the catalogue has no entry that is not read here', () => {
  const listed = [...models.values()].filter(({ definedIn }) => definedIn.endsWith('catalogue.json'));
  expect(listed.map(({ model }) => model).sort()).toEqual(Object.keys(repositories).sort());
});

test('an entry without a commit says that nobody has verified it, and MetaCLIP 2 that its family is unproven', () => {
  const listed = [...models.values()].filter(({ definedIn }) => definedIn.endsWith('catalogue.json'));
  const floating = listed.filter(({ revision }) => !/^[0-9a-f]{40}$/.test(revision));
  expect(floating.length).toBeGreaterThan(0);
  expect(floating.filter(({ unverified }) => !unverified)).toEqual([]);
  expect(listed.filter(({ unproven }) => unproven).map(({ model }) => model)).toEqual(['metaclip2-h-14-378']);
});

test.each(Object.entries(repositories))(
  '%s is read by its family, with the dimensions that its entry states',
  async (name, [descriptions, family, imageSize, maxTokens]) => {
    for (const [file, content] of Object.entries(descriptions)) {
      await writeFile(join(directory, file), JSON.stringify(content));
    }
    const entry = models.get(name);
    const facts = await readModelFacts(directory, entry);
    expect(facts).toMatchObject({
      family,
      dimensions: entry?.dimensions,
      image: { size: imageSize },
      text: { maxTokens },
      probability: { kind: family.startsWith('siglip') ? 'sigmoid' : 'softmax' },
    });
  },
);
