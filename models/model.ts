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

/** A precision of both towers, or where they differ the two, the vision tower's first: `fp16+fp32`. */
export type ModelPrecision = Precision | `${Precision}+${Precision}`;

export const precisionName = ({ vision, text }: TowerPrecisions): ModelPrecision =>
  vision === text ? vision : `${vision}+${text}`;

export function towersOf(precision: ModelPrecision): TowerPrecisions {
  const [vision, text = vision] = precision.split('+') as [Precision, Precision?];
  return { vision, text };
}
export type Provider = 'cpu' | 'cuda' | 'coreml' | 'dml' | 'webgpu';

/** One number for red, green and blue each, on values in [0, 1]. */
export type Rgb = readonly [number, number, number];

/** The steps from a decoded image to the values that a vision tower reads. */
export interface ImageRecipe {
  /** Side of the square, in pixels. */
  size: number;
  /** `crop` resizes the short side and cuts the centre out; `squash` resizes both sides to the square. */
  resize: 'crop' | 'squash';
  /** Both are antialiased, as Pillow does it. */
  filter: 'bicubic' | 'bilinear';
  /**
   * When colours become RGB. `after-resize`: the image is resized in the mode that its file stores, and alpha is dropped
   * (OpenCLIP). `before-resize`: transparency is laid over white first (transformers 5).
   */
  rgb: 'after-resize' | 'before-resize';
  mean: Rgb;
  std: Rgb;
  /** Version of the steps, without the mode; see {@link preprocessVersion}. */
  version: string;
}

/** Bytes of the pixels of an image. */
export const pixelBytes = ({ size }: Pick<ImageRecipe, 'size'>): number => 3 * size * size;

/** Steps before the tokenizer; see `models/texts/cleaning.ts`. */
export type Cleaning = 'openclip' | 'openclip-cased' | 'siglip' | 'lower' | 'none';

/** How the ids of SentencePiece become those of a model. */
export interface SentencePieceIds {
  /** Id before each text, where there is one. */
  begin?: number;
  /** Id after each text. */
  end: number;
  /** Vocabularies of fairseq have all ids shifted, and another one for what is unknown (0). */
  fairseq?: { shift: number; unknown: number };
}

/** The steps from a text to the ids that a text tower reads. */
export interface TextRecipe {
  clean: Cleaning;
  /** `json`: what `tokenizer.json` describes. `sentencepiece`: SentencePiece itself, with its model in `file`. */
  tokenizer: { kind: 'json' } | ({ kind: 'sentencepiece'; file: string } & SentencePieceIds);
  /** Most tokens, special tokens included. */
  maxTokens: number;
  /**
   * `end` repeats the end token up to the longest text of a run: a causal tower does not see what follows its end token,
   * and others mask it. Towers that read their padding need the id and the length of their training. A length of 0 is
   * that of the longest text of a run.
   */
  pad: 'end' | { id: number; to: number };
  /** Padding is masked, where the graph takes a mask. Otherwise the mask is 1 everywhere. */
  mask: boolean;
  /** Version of the steps. */
  version: string;
}

/** How cosines become probabilities. */
export type Probability =
  /** Softmax over `scale * cosine` of the candidates of one request. */
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

/** Everything in which models differ, as plain data; `models/families/` reads it from the files of a model. */
export interface ModelFacts {
  family: FamilyName;
  image: ImageRecipe;
  text: TextRecipe;
  /** Length of an embedding. */
  dimensions: number;
  probability: Probability;
  /** Names of graph outputs that are embeddings, the preferred one first. A graph with one output may name it freely. */
  outputs: { image: readonly string[]; text: readonly string[] };
}

/** What an encoder needs to load a model; plain data, so that it crosses to another process. */
export interface ModelSpec extends ModelFacts {
  model: string;
  revision: string;
  precision: ModelPrecision;
  provider: Provider;
  /** Why this provider and this precision, in words. */
  choice: string;
  preprocess: PreprocessMode;
  visionPath: string;
  textPath: string;
  tokenizerPath: string;
  tokenizerConfigPath: string;
  /** Pairs with known cosines that the model must reproduce before it is used; undefined where none are known. */
  goldenPath: string | undefined;
  /** Most images and most texts in one run of a tower. */
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

type Identified = Pick<ModelSpec, 'model' | 'revision' | 'precision' | 'preprocess' | 'image' | 'text'>;

/**
 * The version of the steps from file to tensor, as receipts and batches carry it. `fast` was the default once, under the
 * same version and with the same values, so batches that pinned it continue.
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

/** The recipe as one string: the key of caches and pools. */
export function modelKey(spec: Identified): string {
  const { model, revision, precision, preprocess, textCleaning } = recipeOf(spec);
  return `${model}@${revision}/${precision}/${preprocess}/${textCleaning}`;
}
