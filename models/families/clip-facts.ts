import { z } from 'zod';
import type { FamilyName, ModelFacts, ReferenceLibrary, TextRecipe } from '../model.ts';
import type { StatedFacts } from './family.ts';
import { absent, type FolderFiles } from './folder-files.ts';
import { type ImageDefaults, readImageRecipe } from './image-recipe.ts';
import { openClipConfigIn } from './open-clip.ts';

const size = z.int().positive();

const config = z.object({
  projection_dim: size.optional(),
  text_config: z.object({ max_position_embeddings: size.optional() }).prefault({}),
  vision_config: z.object({ image_size: size.optional() }).prefault({}),
});

/** Mean and standard deviation of the pixel values with which OpenAI trained CLIP. */
export const openAi = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
} as const;

/**
 * The softmax scale unless the registry entry states another. CLIP's training limits the scale to 100, which trained
 * models reach.
 */
const scale = 100;

/** The differences between model families that have the same kinds of files as CLIP. */
export interface ClipKind {
  family: FamilyName;
  reference: ReferenceLibrary;
  defaults: { dimensions: number; contextLength: number; imageSize: number };
  image: ImageDefaults;
  /**
   * True when `config.json`'s number of positions is the maximum number of tokens. Otherwise OpenCLIP's configuration,
   * the registry entry or the default states it.
   */
  positionsAreTokens: boolean;
  text(files: FolderFiles, maxTokens: number): TextRecipe;
}

/**
 * Reads a model with `config.json` of transformers, the configuration of OpenCLIP, or both.
 * @throws {Error} naming the file and the field.
 */
export function readClip(kind: ClipKind, files: FolderFiles, stated: StatedFacts): ModelFacts {
  const { defaults, positionsAreTokens } = kind;
  const file = files.parsed('config.json', config);
  const openClip = openClipConfigIn(files);
  const isDescribed = file !== undefined || openClip !== undefined;
  if (!isDescribed && stated.dimensions === undefined) throw absent(files.path('config.json'));
  const imageSize =
    file?.vision_config.image_size ??
    openClip?.model.vision_cfg.image_size ??
    stated.preprocess?.imageSize ??
    defaults.imageSize;
  const maxTokens =
    (positionsAreTokens ? file?.text_config.max_position_embeddings : undefined) ??
    openClip?.model.text_cfg.context_length ??
    stated.contextLength ??
    defaults.contextLength;
  return {
    family: kind.family,
    reference: kind.reference,
    image: readImageRecipe(files, imageSize, stated, kind.image),
    text: kind.text(files, maxTokens),
    dimensions: file?.projection_dim ?? openClip?.model.embed_dim ?? stated.dimensions ?? defaults.dimensions,
    probability: { kind: 'softmax', scale: stated.logitScale ?? scale },
    outputs: { image: ['image_embeds'], text: ['text_embeds'] },
  };
}

export const modelTypeOf = (files: FolderFiles): unknown =>
  (files.json('config.json') as { model_type?: unknown } | undefined)?.model_type;
