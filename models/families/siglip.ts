import { z } from 'zod';
import type { FamilyName, ModelFacts, Probability, TextRecipe } from '../model.ts';
import type { ModelFamily, StatedFacts } from './family.ts';
import { absent, type FolderFiles } from './folder-files.ts';
import { half, type ImageDefaults, readImageRecipe } from './image-recipe.ts';
import { type OpenClipConfig, openClipConfigIn } from './open-clip.ts';
import { sentencePieceIn } from './sentencepiece-in.ts';
import { textVersions } from './text-version.ts';

const size = z.int().positive();

/** The defaults are those of transformers, which omits them from a saved file. */
const config = z.object({
  model_type: z.literal('siglip'),
  text_config: z
    .object({
      hidden_size: size.default(768),
      projection_size: size.optional(),
      max_position_embeddings: size.default(64),
    })
    .prefault({}),
  vision_config: z.object({ image_size: size.default(224) }).prefault({}),
});

const tokenizerConfig = z.object({ tokenizer_class: z.string().optional() });

/** Returns true for SigLIP 2. Both generations have the same `config.json` and differ in their tokenizers. */
export const hasGemmaTokenizer = (files: FolderFiles): boolean => {
  const { tokenizer_class: name = '' } = files.parsed('tokenizer_config.json', tokenizerConfig) ?? {};
  // Some exports name the class of any tokenizer, such as PreTrainedTokenizerFast.
  return /^(Gemma|Siglip2)/.test(name) || (tokenizerOf(files)?.includes('siglip2') ?? false);
};

/** Detected by the `config.json` of transformers, or by the tokenizer in OpenCLIP's configuration. */
export const isSiglip = (files: FolderFiles): boolean =>
  (files.json('config.json') as { model_type?: unknown } | undefined)?.model_type === 'siglip' ||
  (tokenizerOf(files)?.includes('siglip') ?? false);

/** Returns the repository of the tokenizer in OpenCLIP's configuration, such as `timm/vit-b-16-siglip`. */
const tokenizerOf = (files: FolderFiles): string | undefined =>
  openClipConfigIn(files)?.model.text_cfg.hf_tokenizer_name?.toLowerCase();

type OpenClipModel = OpenClipConfig['model'];

/** The differences between the generations of SigLIP. */
export interface SiglipGeneration {
  family: FamilyName;
  filter: ImageDefaults['filter'];
  text(files: FolderFiles, maxTokens: number): TextRecipe;
}

/**
 * Reads the facts of either generation of SigLIP, at a fixed resolution.
 * @throws {Error} naming file and field.
 */
export function readSiglip(generation: SiglipGeneration, files: FolderFiles, stated: StatedFacts): ModelFacts {
  const { family, filter, text } = generation;
  const openClip = openClipConfigIn(files);
  const { dimensions, imageSize, maxTokens } = openClip === undefined ? sizesIn(files) : openClipSizes(openClip.model);
  const rgb = openClip === undefined ? 'before-resize' : 'after-resize';
  const defaults = { resize: 'squash', filter, rgb, ...half } as const;
  return {
    family,
    image: readImageRecipe(files, imageSize, stated, defaults),
    text: text(files, maxTokens),
    dimensions,
    probability: sigmoidOf(family, stated),
    // The first output of an export is the last hidden state of each token.
    outputs: { image: ['pooler_output', 'image_embeds'], text: ['pooler_output', 'text_embeds'] },
  };
}

interface Sizes {
  dimensions: number;
  imageSize: number;
  maxTokens: number;
}

function sizesIn(files: FolderFiles): Sizes {
  const file = files.parsed('config.json', config);
  if (file === undefined) throw absent(files.path('config.json'));
  const { hidden_size: width, projection_size: projection, max_position_embeddings: maxTokens } = file.text_config;
  return { dimensions: projection ?? width, imageSize: file.vision_config.image_size, maxTokens };
}

const openClipSizes = ({ embed_dim: dimensions, vision_cfg: vision, text_cfg: text }: OpenClipModel): Sizes => ({
  dimensions,
  imageSize: vision.image_size ?? 224,
  maxTokens: text.context_length ?? 64,
});

/** Scale and bias are weights of the full model, which are in no file of an export. */
function sigmoidOf(family: FamilyName, { logitScale: scale, logitBias: bias }: StatedFacts): Probability {
  if (scale !== undefined && bias !== undefined) return { kind: 'sigmoid', scale, bias };
  const missing = scale === undefined ? 'logitScale' : 'logitBias';
  throw new Error(
    `${missing}: the registry entry of a ${family} model has to state it, since no file of an export does`,
  );
}

/** The end token of both generations. */
export const end = 1;

/**
 * Text recipe of SigLIP: canonical text, then SentencePiece Unigram. The tower pools the last position and masks
 * nothing.
 */
const text: SiglipGeneration['text'] = (files, maxTokens) => ({
  clean: 'siglip',
  ...sentencePieceIn(files, 'spiece.model', { end }, textVersions.siglip),
  maxTokens,
  pad: { id: 1, to: maxTokens },
  mask: false,
});

/** SigLIP. */
export const siglip: ModelFamily = {
  name: 'siglip',
  accepts: (files) => isSiglip(files) && !hasGemmaTokenizer(files),
  read: (files, stated) => readSiglip({ family: 'siglip', filter: 'bicubic', text }, files, stated),
};
