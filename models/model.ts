/** How images are preprocessed; see `models/pixels/preprocess.ts`. */
export const preprocessModes = ['exact', 'fast'] as const;
export type PreprocessMode = (typeof preprocessModes)[number];

export type Precision = 'fp32' | 'fp16' | 'int8';
export const precisions = ['fp32', 'fp16', 'int8'] as const satisfies readonly Precision[];

/** The precision of each tower. */
export interface TowerPrecisions {
  vision: Precision;
  text: Precision;
}

/** The precision of both towers, or two precisions with that of the vision tower first: `fp16+fp32`. */
export type ModelPrecision = Precision | `${Precision}+${Precision}`;

export const precisionName = ({ vision, text }: TowerPrecisions): ModelPrecision =>
  vision === text ? vision : `${vision}+${text}`;

export function towersOf(precision: ModelPrecision): TowerPrecisions {
  const [vision, text = vision] = precision.split('+') as [Precision, Precision?];
  return { vision, text };
}
export type Provider = 'cpu' | 'cuda' | 'coreml' | 'dml' | 'webgpu';

/** One number each for red, green and blue, for values in [0, 1]. */
export type Rgb = readonly [number, number, number];

/** The steps from a decoded image to the values that a vision tower reads. */
export interface ImageRecipe {
  /** Side of the square in pixels. */
  size: number;
  /** `crop` resizes the short side and cuts out the centre; `squash` resizes both sides to the square. */
  resize: 'crop' | 'squash';
  /** Both antialiased, as in Pillow. */
  filter: 'bicubic' | 'bilinear';
  /**
   * When colours are converted to RGB. `after-resize`: the image is resized in the mode of its file, and alpha is
   * dropped (OpenCLIP). `before-resize`: transparency is first blended over white (transformers 5).
   */
  rgb: 'after-resize' | 'before-resize';
  mean: Rgb;
  std: Rgb;
  /** Version of the steps without the mode; see {@link preprocessVersion}. */
  version: string;
}

/** Returns the number of pixel bytes of an image. */
export const pixelBytes = ({ size }: Pick<ImageRecipe, 'size'>): number => 3 * size * size;

/** Steps before the tokenizer; see `models/texts/cleaning.ts`. */
export type Cleaning = 'openclip' | 'openclip-cased' | 'openclip-canonical' | 'siglip' | 'lower' | 'none';

/** Conversion of SentencePiece ids to the ids of a model. */
export interface SentencePieceIds {
  /** Id before each text, if any. */
  begin?: number;
  /** Id after each text. */
  end: number;
  /** fairseq vocabularies: all ids are shifted, and the unknown token (0) has another id. */
  fairseq?: { shift: number; unknown: number };
}

/** The steps from a text to the ids that a text tower reads. */
export interface TextRecipe {
  clean: Cleaning;
  /** `json`: as described by `tokenizer.json`. `sentencepiece`: SentencePiece itself, with its model in `file`. */
  tokenizer: { kind: 'json' } | ({ kind: 'sentencepiece'; file: string } & SentencePieceIds);
  /** Maximum tokens, special tokens included. */
  maxTokens: number;
  /**
   * Padding of texts. `end` repeats the end token up to the longest text of a run: a causal tower does not see what
   * follows its end token, and others mask it. Towers that read their padding need the id and the length of their
   * training. Length 0 means that of the longest text of a run.
   */
  pad: 'end' | { id: number; to: number };
  /** True when padding is masked, if the graph has a mask input. Otherwise the mask is 1 everywhere. */
  mask: boolean;
  /** Version of the steps. */
  version: string;
}

/** The formula from cosines to probabilities. */
export type Probability =
  /** Softmax over `scale * cosine` of all candidates of a request. */
  | { kind: 'softmax'; scale: number }
  /** Sigmoid of `scale * cosine + bias` for each pair. */
  | { kind: 'sigmoid'; scale: number; bias: number };

export const familyNames = [
  'clip',
  'mobileclip',
  'pe',
  'xlm-roberta',
  'chinese-clip',
  'siglip',
  'siglip2',
  'compact',
] as const;
export type FamilyName = (typeof familyNames)[number];

/** A library whose results a model has to reproduce. */
export type ReferenceLibrary = 'transformers' | 'open_clip';

/** All properties in which models differ, as plain data. `models/families/` reads them from the files of a model. */
export interface ModelFacts {
  family: FamilyName;
  /** The library whose steps the recipes repeat; undefined when only the makers of the model have them. */
  reference: ReferenceLibrary | undefined;
  image: ImageRecipe;
  text: TextRecipe;
  /** Length of an embedding. */
  dimensions: number;
  probability: Probability;
  /** Names of graph outputs that are embeddings, the preferred one first. A graph with one output may use any name. */
  outputs: { image: readonly string[]; text: readonly string[] };
}

/** All data with which an encoder loads a model. It is plain data, so that it can be sent to another process. */
export interface ModelSpec extends ModelFacts {
  model: string;
  revision: string;
  precision: ModelPrecision;
  provider: Provider;
  /** Reason for this provider and precision, in words. */
  choice: string;
  preprocess: PreprocessMode;
  visionPath: string;
  textPath: string;
  tokenizerPath: string;
  tokenizerConfigPath: string;
  /** Path of pairs with known cosines that the model must reproduce before use; undefined when there are none. */
  goldenPath: string | undefined;
  /** Maximum images and texts in one run of a tower. */
  microBatch: { images: number; texts: number };
  /** Resident memory of one encoder with this model (bytes). */
  memoryBytes: number;
}

/** The properties that must be equal for two embeddings to be comparable. A batch pins them. */
export interface Recipe {
  model: string;
  revision: string;
  precision: string;
  preprocess: string;
  textCleaning: string;
}

type Identified = Pick<ModelSpec, 'model' | 'revision' | 'precision' | 'preprocess' | 'image' | 'text'>;

/**
 * Returns the version of the steps from file to tensor, as in receipts and batches. `fast` was once the default under
 * this version, with the same values, so batches that pinned it continue.
 */
export const preprocessVersion = ({ version }: ImageRecipe, mode: PreprocessMode): string =>
  mode === 'exact' ? `${version}-exact` : version;

export const recipeOf = (spec: Identified): Recipe & { precision: ModelPrecision } => ({
  model: spec.model,
  revision: spec.revision,
  precision: spec.precision,
  preprocess: preprocessVersion(spec.image, spec.preprocess),
  textCleaning: spec.text.version,
});

/** Returns the recipe as one string, the key of caches and pools. */
export function modelKey(spec: Identified): string {
  const { model, revision, precision, preprocess, textCleaning } = recipeOf(spec);
  return `${model}@${revision}/${precision}/${preprocess}/${textCleaning}`;
}
