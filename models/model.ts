/** How images are preprocessed; see `models/pixels/preprocess.ts`. */
export const preprocessModes = ['exact', 'fast'] as const;
export type PreprocessMode = (typeof preprocessModes)[number];

/**
 * Versions of the steps from image to tensor, and from text to tokens. Part of every receipt, of every cache key and of
 * what a batch pins: change one whenever the values that reach its tower change. `fast` was the default once, under the
 * same version and with the same values, so batches that pinned it continue.
 */
export const preprocessVersions: Record<PreprocessMode, string> = {
  exact: 'pillow-bicubic-3-exact',
  fast: 'pillow-bicubic-3',
};
/** Cleaning of texts before the tokenizer: OpenCLIP's for vocabularies of CLIP, none for others. */
export const textCleanings = { openclip: 'openclip-3.3-1', none: 'none-1' } as const;
export type TextCleaning = (typeof textCleanings)[keyof typeof textCleanings];

export type Precision = 'fp32' | 'fp16' | 'int8';
export type Provider = 'cpu' | 'cuda' | 'coreml' | 'dml' | 'webgpu';

/** What an encoder needs to load a model; plain data, so that it crosses to another process. */
export interface ModelSpec {
  model: string;
  revision: string;
  precision: Precision;
  provider: Provider;
  /** Why this provider and this precision, in words. */
  choice: string;
  preprocess: PreprocessMode;
  visionPath: string;
  textPath: string;
  tokenizerPath: string;
  tokenizerConfigPath: string;
  textCleaning: TextCleaning;
  /** Pairs with known cosines that the model must reproduce before it is used; nothing where none are known. */
  goldenPath: string | undefined;
  /** Side of the square the vision tower sees, in pixels. */
  imageSize: number;
  /** Per channel, on values in [0, 1]. */
  mean: readonly [number, number, number];
  std: readonly [number, number, number];
  /** Most tokens the text tower takes, special tokens included. */
  contextLength: number;
  /** Length of an embedding. */
  dimensions: number;
  /** Factor before the softmax over candidates. */
  logitScale: number;
  /** Pictures and texts that one run of a tower takes at most. */
  microBatch: { images: number; texts: number };
  /** Resident memory of one encoder with this model, in bytes. */
  memoryBytes: number;
}

/** What must be equal for two embeddings to be comparable; what a batch pins. */
export interface Recipe {
  model: string;
  revision: string;
  precision: string;
  preprocess: string;
  textCleaning: string;
}

export const recipeOf = (
  spec: Pick<ModelSpec, 'model' | 'revision' | 'precision' | 'preprocess' | 'textCleaning'>,
): Recipe & { precision: Precision } => ({
  model: spec.model,
  revision: spec.revision,
  precision: spec.precision,
  preprocess: preprocessVersions[spec.preprocess],
  textCleaning: spec.textCleaning,
});

/** The recipe as one string: the key of caches and pools. */
export function modelKey(spec: Parameters<typeof recipeOf>[0]): string {
  const { model, revision, precision, preprocess, textCleaning } = recipeOf(spec);
  return `${model}@${revision}/${precision}/${preprocess}/${textCleaning}`;
}
