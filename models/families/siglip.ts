import { z } from 'zod';
import type { Cleaning, FamilyName, ModelFacts, Probability, TextRecipe } from '../model.ts';
import type { ModelFamily, StatedFacts } from './family.ts';
import { absent, type FolderFiles } from './folder-files.ts';
import { half, type ImageDefaults, readImageRecipe } from './image-recipe.ts';
import { cleaningIn, openClipConfigIn } from './open-clip.ts';
import { sentencePieceIn } from './sentencepiece-in.ts';
import { textVersions } from './text-version.ts';

const size = z.int().positive();

/**
 * The schema of the fields of `config.json` that the service uses. They are optional, since transformers omits values
 * that equal its defaults.
 */
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

/** The default values of SigLIP. They are the same in transformers and in OpenCLIP. */
const defaults = { dimensions: 768, imageSize: 224, maxTokens: 64 } as const;

const tokenizerConfig = z.object({ tokenizer_class: z.string().optional() });

/**
 * Returns true when the tokenizer is that of SigLIP 2. SigLIP 1 and SigLIP 2 have equal `config.json` files; only their
 * tokenizers differ.
 */
export const hasGemmaTokenizer = (files: FolderFiles): boolean => {
  const { tokenizer_class: name = '' } = files.parsed('tokenizer_config.json', tokenizerConfig) ?? {};
  // Some exports name a general tokenizer class such as PreTrainedTokenizerFast. For these, the repository of the
  // tokenizer in the configuration of OpenCLIP identifies SigLIP 2.
  return /^(Gemma|Siglip2)/.test(name) || (tokenizerOf(files)?.includes('siglip2') ?? false);
};

/**
 * Returns true for SigLIP 1 and SigLIP 2. They are recognised by the `config.json` of transformers, or by the tokenizer
 * that the configuration of OpenCLIP names.
 */
export const isSiglip = (files: FolderFiles): boolean =>
  (files.json('config.json') as { model_type?: unknown } | undefined)?.model_type === 'siglip' ||
  (tokenizerOf(files)?.includes('siglip') ?? false);

/**
 * Returns the name of the tokenizer's repository in OpenCLIP's configuration, in lower case, such as
 * `timm/vit-b-16-siglip`.
 */
const tokenizerOf = (files: FolderFiles): string | undefined =>
  openClipConfigIn(files)?.model.text_cfg.hf_tokenizer_name?.toLowerCase();

/** The properties in which SigLIP 1 and SigLIP 2 (the "generations") differ. */
export interface SiglipGeneration {
  family: FamilyName;
  filter: ImageDefaults['filter'];
  /**
   * The text cleaning for models in the format of transformers. Models in the format of OpenCLIP have the same default
   * cleaning for SigLIP 1 and SigLIP 2.
   */
  clean: Cleaning;
  /** The name of the SentencePiece model file. */
  pieces: string;
  /** The id of the padding token. */
  pad: number;
}

/**
 * Reads the facts of a SigLIP 1 or SigLIP 2 model with a fixed resolution. OpenCLIP and transformers process images and
 * texts of SigLIP differently. The service uses the steps of the library for which the files were exported.
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
    // The first output of an export is the last hidden state of each token, which is not an embedding. Therefore the
    // outputs are chosen by name.
    outputs: { image: ['pooler_output', 'image_embeds'], text: ['pooler_output', 'text_embeds'] },
  };
}

/**
 * Returns true for exports of OpenCLIP. A folder without any description counts as such an export, because exports of
 * Marqo have no description.
 */
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
 * Returns the scale and the bias of the sigmoid. They are weights of the full model, and no file of an export contains
 * them, so the registry entry must state them.
 * @throws {Error} when the registry entry does not state both.
 */
function sigmoidOf(family: FamilyName, { logitScale: scale, logitBias: bias }: StatedFacts): Probability {
  if (scale !== undefined && bias !== undefined) return { kind: 'sigmoid', scale, bias };
  const missing = scale === undefined ? 'logitScale' : 'logitBias';
  throw new Error(`${missing}: add it to the registry entry, since no file of a ${family} export states it`);
}

/** The id of the end token in both generations. */
const end = 1;

/**
 * Returns the text recipe. The text tower takes the embedding from the last token position and does not mask padding,
 * so each text is padded to the full length.
 */
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

/** The family SigLIP 1. Texts are first cleaned and then split by SentencePiece's Unigram model. */
export const siglip: ModelFamily = {
  name: 'siglip',
  accepts: (files) => isSiglip(files) && !hasGemmaTokenizer(files),
  read: (files, stated) =>
    readSiglip({ family: 'siglip', filter: 'bicubic', clean: 'siglip', pieces: 'spiece.model', pad: 1 }, files, stated),
};
