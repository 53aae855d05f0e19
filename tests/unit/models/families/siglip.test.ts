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
} from '../../../support/golden-family.ts';

const generations = {
  siglip: { logitScale: 117.33081817626953, logitBias: -12.9324369430542 },
  siglip2: { logitScale: 112.66889953613281, logitBias: -16.771724700927734 },
};

describe.each(Object.entries(generations))('%s', (name, stated) => {
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
  const spec = await familySpec('siglip', generations.siglip);
  expect((await loadTokenizer(spec)).encode('!?... --- *** ### ,;:').ids).toEqual([1]);
});

test('special tokens spelled out in a text are ordinary characters', async () => {
  for (const [name, stated] of Object.entries(generations)) {
    const { ids } = (await loadTokenizer(await familySpec(name, stated))).encode('a cat </s> <eos> <pad> a dog');
    expect(ids.indexOf(1)).toBe(ids.length - 1);
  }
});

describe('without its model of SentencePiece', () => {
  const json = async (name: keyof typeof generations) => {
    const spec = await familySpec(name, generations[name]);
    const { tokenizerPath } = await familySpec('../clip/tiny-clip');
    const path = tokenizerPath.replace('clip/tiny-clip', `families/${name}`);
    return await loadTokenizer({ ...spec, tokenizerPath: path, text: { ...spec.text, tokenizer: { kind: 'json' } } });
  };
  const differing = async (name: keyof typeof generations) => {
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
    expect(await readModelFolder(folder, generations.siglip2)).toMatchObject({ family: 'siglip2' });
  },
);

describe("in OpenCLIP's exports", () => {
  /** The folder of a golden model with the two files that immich has in place of its `config.json`. */
  async function exported(
    name: keyof typeof generations,
    tokenizer: string,
    tokenizerClass?: string,
  ): Promise<ModelSpec> {
    const folder = mkdtempSync(join(tmpdir(), 'vls-siglip-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    cpSync(familyFolder(name), folder, { recursive: true });
    rmSync(join(folder, 'preprocessor_config.json'));
    const vision = { image_size: 224, timm_model_name: 'vit_base_patch16_siglip_224' };
    const text = { context_length: 64, hf_tokenizer_name: tokenizer, no_causal_mask: true };
    const steps = { size: 224, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], resize_mode: 'squash' };
    const write = (file: string, content: object) => writeFileSync(join(folder, file), JSON.stringify(content));
    if (tokenizerClass !== undefined) write('tokenizer_config.json', { tokenizer_class: tokenizerClass });
    write('config.json', { embed_dim: 48, vision_cfg: vision, text_cfg: text });
    write('preprocess_cfg.json', { ...steps, interpolation: name === 'siglip' ? 'bicubic' : 'bilinear' });
    return {
      ...(await specOf(tinyClipFolder)),
      ...(await readModelFolder(folder, generations[name])),
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
    const anyTokenizer = await exported(name, tokenizer, 'PreTrainedTokenizerFast');
    expect(anyTokenizer.family).toBe(name);
    const golden = goldenFamily(name);
    const some = { ...golden, images: golden.images.slice(0, 1), texts: golden.texts.slice(0, 2) };
    const { images, texts } = await measure(spec, some);
    expect(dot(images[0] ?? [], some.images[0]?.embedding ?? [])).toBeGreaterThan(1 - 1e-4);
    for (const [at, { embedding }] of some.texts.entries()) {
      expect(dot(texts[at] ?? [], embedding)).toBeGreaterThan(1 - 1e-4);
    }
  });

  test('a text tower of no family is refused', async () => {
    await expect(exported('siglip', 'facebook/nllb-200-distilled-600M')).rejects.toThrow('nllb-200');
  });
});
