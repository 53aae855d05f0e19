import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { ImageRecipe, ModelSpec, TextRecipe } from '../../../../models/model.ts';
import { readModelFolder } from '../../../../models/registry/folder.ts';
import { loadTokenizer } from '../../../../models/texts/tokenizer.ts';
import { specOf, tinyClipFolder } from '../../../../testing/model-folders.ts';
import {
  compareWithGolden,
  dot,
  familyFolder,
  familySpec,
  goldenFamily,
  measure,
  padded,
  sigmoids,
} from '../../../support/golden-family.ts';

describe.each(Object.entries(sigmoids))('%s', (name, stated) => {
  const golden = goldenFamily(name);
  compareWithGolden(name, { load: () => familySpec(name, stated) });

  test('is recognised by its files, and squashes images', async () => {
    const { family, image, dimensions, text } = await familySpec(name, stated);
    expect({ family, resize: image.resize, dimensions, maxTokens: text.maxTokens }).toEqual({
      family: name,
      resize: 'squash',
      dimensions: 48,
      maxTokens: 64,
    });
    expect(text.version).toMatch(/-sentencepiece$/);
  });

  test('is refused without scale and bias, which no file has', async () => {
    await expect(familySpec(name, { logitScale: 100 })).rejects.toThrow('logitBias');
    await expect(familySpec(name, { logitBias: -10 })).rejects.toThrow('logitScale');
  });

  describe('differs from its reference', () => {
    let spec: ModelSpec;
    beforeAll(async () => {
      spec = await familySpec(name, stated);
    });
    /** Lowest cosine of an embedding with the one of the reference. */
    async function lowest({ image, text }: Changes): Promise<number> {
      const changed = { ...spec, image: { ...spec.image, ...image }, text: { ...spec.text, ...text } };
      const { images, texts } = await measure(changed, golden);
      return Math.min(
        ...golden.images.map(({ embedding }, at) => dot(embedding, images[at] ?? [])),
        ...golden.texts.map(({ embedding }, at) => dot(embedding, texts[at] ?? [])),
      );
    }
    interface Changes {
      image?: Partial<ImageRecipe>;
      text?: Partial<TextRecipe>;
    }
    const clipMean = [0.48145466, 0.4578275, 0.40821073] as const;

    test.each<[what: string, changes: Changes]>([
      ["with CLIP's mean", { image: { mean: clipMean } }],
      ['with the other filter', { image: { filter: name === 'siglip' ? 'bilinear' : 'bicubic' } }],
      ['with a crop instead of squashing', { image: { resize: 'crop' } }],
      ['with transparency dropped', { image: { rgb: 'after-resize' } }],
      ['with the cleaning of CLIP', { text: { clean: 'openclip' } }],
      ['without cleaning', { text: { clean: 'none' } }],
    ])('%s', async (_what, changes) => {
      expect(await lowest(changes)).toBeLessThan(0.999);
    });

    test('without padding to 64', async () => {
      const { towers, tokenizer } = await measure({ ...spec, text: { ...spec.text, pad: 'end' } }, golden);
      const [text = { text: '', embedding: [] }] = golden.texts;
      const [alone = []] = await towers.texts([tokenizer.encode(text.text).ids]);
      expect(dot(alone, text.embedding)).toBeLessThan(0.9);
    });

    test('with the last hidden state, which is refused by its rank', async () => {
      const changed = { ...spec, outputs: { image: ['last_hidden_state'], text: ['last_hidden_state'] } };
      await expect(measure(changed, golden)).rejects.toThrow('last_hidden_state');
    });
  });
});

test('a SigLIP text of punctuation alone is the end token 64 times', async () => {
  const spec = await familySpec('siglip', sigmoids.siglip);
  expect((await loadTokenizer(spec)).encode('!?... --- *** ### ,;:').ids).toEqual([1]);
});

test('special tokens spelled out in a text are ordinary characters', async () => {
  for (const [name, stated] of Object.entries(sigmoids)) {
    const { ids } = (await loadTokenizer(await familySpec(name, stated))).encode('a cat </s> <eos> <pad> a dog');
    expect(ids.indexOf(1)).toBe(ids.length - 1);
  }
});

describe('without its model of SentencePiece', () => {
  const json = async (name: keyof typeof sigmoids) => {
    const spec = await familySpec(name, sigmoids[name]);
    const { tokenizerPath } = await familySpec('../clip/tiny-clip');
    const path = tokenizerPath.replace('clip/tiny-clip', `families/${name}`);
    return await loadTokenizer({ ...spec, tokenizerPath: path, text: { ...spec.text, tokenizer: { kind: 'json' } } });
  };
  const differing = async (name: keyof typeof sigmoids) => {
    const tokenizer = await json(name);
    return goldenFamily(name).texts.flatMap(({ text, input_ids: ids }, at) => {
      const encoded = tokenizer.encode(text).ids;
      return encoded.every((id, position) => id === ids[position]) ? [] : [at];
    });
  };

  test('SigLIP has other ids for the text with an emoji joined by U+200D', async () => {
    expect(await differing('siglip')).toEqual([4]);
  });

  test('SigLIP 2 has the same ids', async () => {
    expect(await differing('siglip2')).toEqual([]);
  });
});

test.each(['GemmaTokenizer', 'GemmaTokenizerFast', 'Siglip2Tokenizer'])(
  'SigLIP 2 is recognised by the tokenizer %s',
  async (name) => {
    const folder = mkdtempSync(join(tmpdir(), 'vls-siglip-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    cpSync(familyFolder('siglip2'), folder, { recursive: true });
    writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify({ tokenizer_class: name }));
    expect(await readModelFolder(folder, sigmoids.siglip2)).toMatchObject({ family: 'siglip2' });
  },
);

describe("in OpenCLIP's exports", () => {
  /** The folder of a golden model with the two files that immich has in place of its `config.json`. */
  async function exported(
    name: keyof typeof sigmoids,
    tokenizer: string,
    { tokenizerClass, clean }: { tokenizerClass?: string; clean?: string } = {},
  ): Promise<ModelSpec> {
    const folder = mkdtempSync(join(tmpdir(), 'vls-siglip-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    cpSync(familyFolder(name), folder, { recursive: true });
    rmSync(join(folder, 'preprocessor_config.json'));
    const vision = { image_size: 224, timm_model_name: 'vit_base_patch16_siglip_224' };
    const named = { hf_tokenizer_name: tokenizer, ...(clean && { tokenizer_kwargs: { clean } }) };
    const text = { context_length: 64, no_causal_mask: true, ...named };
    const steps = { size: 224, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], resize_mode: 'squash' };
    const write = (file: string, content: object) => writeFileSync(join(folder, file), JSON.stringify(content));
    if (tokenizerClass !== undefined) write('tokenizer_config.json', { tokenizer_class: tokenizerClass });
    write('config.json', { embed_dim: 48, vision_cfg: vision, text_cfg: text });
    write('preprocess_cfg.json', { ...steps, interpolation: name === 'siglip' ? 'bicubic' : 'bilinear' });
    return {
      ...(await specOf(tinyClipFolder)),
      ...(await readModelFolder(folder, sigmoids[name])),
      visionPath: join(folder, 'onnx/vision_model.onnx'),
      textPath: join(folder, 'onnx/text_model.onnx'),
    };
  }

  test.each([
    ['siglip', 'timm/ViT-B-16-SigLIP'],
    ['siglip2', 'timm/ViT-B-16-SigLIP2'],
  ] as const)('%s is recognised by its tokenizer, and not taken for a MobileCLIP', async (name, tokenizer) => {
    const spec = await exported(name, tokenizer);
    expect(spec).toMatchObject({ family: name, dimensions: 48, text: { maxTokens: 64 }, image: { resize: 'squash' } });
    const anyTokenizer = await exported(name, tokenizer, { tokenizerClass: 'PreTrainedTokenizerFast' });
    expect(anyTokenizer.family).toBe(name);
    const golden = goldenFamily(name);
    const some = { ...golden, images: golden.images.slice(0, 1), texts: golden.texts.slice(0, 1) };
    const { images, texts } = await measure(spec, some);
    expect(dot(images[0] ?? [], some.images[0]?.embedding ?? [])).toBeGreaterThan(1 - 1e-4);
    for (const [at, { embedding }] of some.texts.entries()) {
      expect(dot(texts[at] ?? [], embedding)).toBeGreaterThan(1 - 1e-4);
    }
  });

  /** Ids of OpenCLIP for each golden text, with their padding. */
  const openClipIds = (name: keyof typeof sigmoids, pad: number) =>
    goldenFamily(name).texts.map(({ input_ids: same, other_ids: other }) => {
      const ids = other?.['open_clip'];
      return ids === undefined ? same : [...ids, ...new Array<number>(64 - ids.length).fill(pad)];
    });

  test.each([
    ['siglip', 'timm/ViT-B-16-SigLIP', 1, 4],
    ['siglip2', 'timm/ViT-B-16-SigLIP2', 0, 12],
  ] as const)("%s has OpenCLIP's ids for all texts, which differ from those of transformers", async (...given) => {
    const [name, tokenizer, pad, differing] = given;
    for (const clean of [undefined, 'canonicalize']) {
      const spec = await exported(name, tokenizer, clean === undefined ? {} : { clean });
      expect(spec.reference).toBe('open_clip');
      expect(spec.text.version).toBe('openclip-canonical-3.3-1-sentencepiece');
      const { encode } = await loadTokenizer(spec);
      const ids = goldenFamily(name).texts.map(({ text }) => padded(spec, encode(text).ids, 64).ids);
      expect(ids).toEqual(openClipIds(name, pad));
    }
    const ofTransformers = await familySpec(name, sigmoids[name]);
    expect(ofTransformers.reference).toBe('transformers');
    const { encode } = await loadTokenizer(ofTransformers);
    const other = goldenFamily(name).texts.filter(
      ({ text }, at) => `${padded(ofTransformers, encode(text).ids, 64).ids}` !== `${openClipIds(name, pad)[at]}`,
    );
    expect(other).toHaveLength(differing);
  });

  test('another cleaning is that of the configuration, and one that OpenCLIP does not have is refused', async () => {
    const cased = await exported('siglip', 'timm/ViT-B-16-SigLIP', { clean: 'whitespace' });
    expect(cased.text.clean).toBe('openclip-cased');
    await expect(exported('siglip', 'timm/ViT-B-16-SigLIP', { clean: 'stem' })).rejects.toThrow('canonicalize');
  });

  test('a text tower of no family is refused', async () => {
    await expect(exported('siglip', 'facebook/nllb-200-distilled-600M')).rejects.toThrow('nllb-200');
  });
});

describe('without the files that describe it', () => {
  const folderWith = (...files: string[]) => {
    const folder = mkdtempSync(join(tmpdir(), 'vls-siglip-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    for (const file of files) cpSync(join(familyFolder('siglip'), file), join(folder, file));
    return folder;
  };
  const half = [0.5, 0.5, 0.5] as const;
  const entry = { family: 'siglip', dimensions: 48, preprocess: { mean: half, std: half } } as const;

  test("a SigLIP is read from its registry entry, as OpenCLIP's: Marqo's exports have no files", async () => {
    const stated = { ...entry, ...sigmoids.siglip };
    const { text, image, dimensions, reference } = await readModelFolder(folderWith('spiece.model'), stated);
    expect({ dimensions, reference }).toEqual({ dimensions: 48, reference: 'open_clip' });
    expect(image).toMatchObject({ size: 224, resize: 'squash', filter: 'bicubic', rgb: 'after-resize', mean: half });
    expect(text).toMatchObject({ clean: 'openclip-canonical', maxTokens: 64, pad: { id: 1, to: 64 } });
  });

  test('size and number of tokens are those of the entry, unless a file states them', async () => {
    const sizes = { preprocess: { ...entry.preprocess, imageSize: 384 }, contextLength: 32 };
    const stated = { ...entry, ...sigmoids.siglip, ...sizes };
    const { text, image } = await readModelFolder(folderWith(), stated);
    expect({ size: image.size, maxTokens: text.maxTokens, pad: text.pad }).toEqual({
      ...{ size: 384, maxTokens: 32, pad: { id: 1, to: 32 } },
    });
    const folder = folderWith();
    const file = { model_type: 'siglip', text_config: { hidden_size: 48 }, vision_config: {} };
    writeFileSync(join(folder, 'config.json'), JSON.stringify(file));
    expect((await readModelFolder(folder, stated)).text.maxTokens).toBe(32);
    const withPositions = { ...file, text_config: { hidden_size: 48, max_position_embeddings: 16 } };
    writeFileSync(join(folder, 'config.json'), JSON.stringify(withPositions));
    expect((await readModelFolder(folder, stated)).text.maxTokens).toBe(16);
  });

  test('it is refused when the entry does not state the length of an embedding', async () => {
    const { dimensions: _, ...incomplete } = entry;
    await expect(readModelFolder(folderWith(), { ...incomplete, ...sigmoids.siglip })).rejects.toThrow('config.json');
  });
});
