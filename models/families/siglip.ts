import { z } from 'zod';
import type { Cleaning, FamilyName, ModelFacts, Probability, TextRecipe } from '../model.ts';
import type { ModelFamily, StatedFacts } from './family.ts';
import { absent, type FolderFiles } from './folder-files.ts';
import { half, type ImageDefaults, readImageRecipe } from './image-recipe.ts';
import { cleaningIn, openClipConfigIn } from './open-clip.ts';
import { sentencePieceIn } from './sentencepiece-in.ts';
import { textVersions } from './text-version.ts';

const size = z.int().positive();

/** The used fields of `config.json`, all optional, because transformers omits its defaults. */
const config = z.object({
  model_type: z.literal('siglip'),
  text_config: z
    .object({
      hidden_size: size.optional(),
      projection_size: size.optional(),
      max_position_embeddings: size.optional(),
    })
    .prefault({}),
  vision_config: z.object({ image_size: size.optional() }).prefault({}),
});

const defaults = { dimensions: 768, imageSize: 224, maxTokens: 64 } as const;

const tokenizerConfig = z.object({ tokenizer_class: z.string().optional() });

/** Returns true for SigLIP 2. Its `config.json` equals that of SigLIP 1; only the tokenizers differ. */
export const hasGemmaTokenizer = (files: FolderFiles): boolean => {
  const { tokenizer_class: name = '' } = files.parsed('tokenizer_config.json', tokenizerConfig) ?? {};
  // Some exports name a general class such as PreTrainedTokenizerFast. OpenCLIP's tokenizer repository then identifies
  // SigLIP 2.
  return /^(Gemma|Siglip2)/.test(name) || (tokenizerOf(files)?.includes('siglip2') ?? false);
};

/** Returns true for SigLIP 1 and 2, by transformers' `config.json` or the tokenizer in OpenCLIP's configuration. */
export const isSiglip = (files: FolderFiles): boolean =>
  (files.json('config.json') as { model_type?: unknown } | undefined)?.model_type === 'siglip' ||
  (tokenizerOf(files)?.includes('siglip') ?? false);

/** Returns OpenCLIP's tokenizer repository in lower case, such as `timm/vit-b-16-siglip`. */
const tokenizerOf = (files: FolderFiles): string | undefined =>
  openClipConfigIn(files)?.model.text_cfg.hf_tokenizer_name?.toLowerCase();

/** The differences between SigLIP 1 and SigLIP 2. */
export interface SiglipGeneration {
  family: FamilyName;
  filter: ImageDefaults['filter'];
  /** The text cleaning of transformers. In OpenCLIP, both have the same cleaning. */
  clean: Cleaning;
  /** The SentencePiece model file. */
  pieces: string;
  /** The id of the padding token. */
  pad: number;
}

/**
 * Reads a SigLIP 1 or 2 model with a fixed resolution. OpenCLIP and transformers process images and texts differently;
 * the library of the export decides.
 * @throws {Error} naming the file and the field.
 */
export function readSiglip(generation: SiglipGeneration, files: FolderFiles, stated: StatedFacts): ModelFacts {
  const { family, filter } = generation;
  const isOpenClip = isOfOpenClip(files);
  const { dimensions, imageSize, maxTokens } = sizesIn(files, stated);
  const rgb = isOpenClip ? 'after-resize' : 'before-resize';
  return {
    family,
    reference: isOpenClip ? 'open_clip' : 'transformers',
    image: readImageRecipe(files, imageSize, stated, { resize: 'squash', filter, rgb, ...half }),
    text: textRecipe(generation, files, isOpenClip, maxTokens),
    dimensions,
    probability: sigmoidOf(family, stated),
    // Chosen by name: an export's first output is the last hidden state of each token, not an embedding.
    outputs: { image: ['pooler_output', 'image_embeds'], text: ['pooler_output', 'text_embeds'] },
  };
}

/** Returns true for exports of OpenCLIP, or of Marqo, which have no description. */
const isOfOpenClip = (files: FolderFiles): boolean =>
  openClipConfigIn(files) !== undefined ||
  (files.json('config.json') === undefined && files.json('preprocessor_config.json') === undefined);

interface Sizes {
  dimensions: number;
  imageSize: number;
  maxTokens: number;
}

/** Reads each size from the first source that states it: the files, the registry entry, the defaults. */
function sizesIn(files: FolderFiles, stated: StatedFacts): Sizes {
  const openClip = openClipConfigIn(files)?.model;
  const file = openClip === undefined ? files.parsed('config.json', config) : undefined;
  if (openClip === undefined && file === undefined && stated.dimensions === undefined) {
    throw absent(files.path('config.json'));
  }
  const {
    projection_size: projection,
    hidden_size: width,
    max_position_embeddings: positions,
  } = file?.text_config ?? {};
  return {
    dimensions: openClip?.embed_dim ?? projection ?? width ?? stated.dimensions ?? defaults.dimensions,
    imageSize:
      openClip?.vision_cfg.image_size ??
      file?.vision_config.image_size ??
      stated.preprocess?.imageSize ??
      defaults.imageSize,
    maxTokens: openClip?.text_cfg.context_length ?? positions ?? stated.contextLength ?? defaults.maxTokens,
  };
}

/**
 * Returns the sigmoid of the registry entry. Scale and bias are weights of the full model that no export contains.
 * @throws {Error} when the registry entry does not state both.
 */
function sigmoidOf(family: FamilyName, { logitScale: scale, logitBias: bias }: StatedFacts): Probability {
  if (scale !== undefined && bias !== undefined) return { kind: 'sigmoid', scale, bias };
  const missing = scale === undefined ? 'logitScale' : 'logitBias';
  throw new Error(`${missing}: add it to the registry entry, since no file of a ${family} export states it`);
}

/** The end token of SigLIP 1 and 2. */
const end = 1;

/** The text model embeds the last position and does not mask padding, so each text is padded to the full length. */
function textRecipe(
  { clean: ofTransformers, pieces, pad }: SiglipGeneration,
  files: FolderFiles,
  isOpenClip: boolean,
  maxTokens: number,
): TextRecipe {
  const clean = isOpenClip ? (cleaningIn(files) ?? 'openclip-canonical') : ofTransformers;
  return {
    clean,
    ...sentencePieceIn(files, pieces, { end }, textVersions[clean]),
    maxTokens,
    pad: { id: pad, to: maxTokens },
    mask: false,
  };
}

/** SigLIP 1. Texts are cleaned, then split by SentencePiece's Unigram model. */
export const siglip: ModelFamily = {
  name: 'siglip',
  accepts: (files) => isSiglip(files) && !hasGemmaTokenizer(files),
  read: (files, stated) =>
    readSiglip({ family: 'siglip', filter: 'bicubic', clean: 'siglip', pieces: 'spiece.model', pad: 1 }, files, stated),
};
