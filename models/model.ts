/** The modes of image preprocessing; see `models/pixels/preprocess.ts`. */
export const preprocessModes = ['exact', 'fast'] as const;
export type PreprocessMode = (typeof preprocessModes)[number];

export type Precision = 'fp32' | 'fp16' | 'int8';
export const precisions = ['fp32', 'fp16', 'int8'] as const satisfies readonly Precision[];

/**
 * The int8 precision that this service makes from fp32 files (`models/quantization/`). The last number is the method's
 * version.
 */
export type OwnInt8 = 'int8-rows-1';
/** The precision of the vision or the text model. `int8` means files that were published, not made by this service. */
export type TowerPrecision = Precision | OwnInt8;

export interface TowerPrecisions {
  vision: TowerPrecision;
  text: TowerPrecision;
}

/** A single value applies to vision and text; `fp16+fp32` means fp16 for vision and fp32 for text. */
export type ModelPrecision = TowerPrecision | `${TowerPrecision}+${TowerPrecision}`;

export const precisionName = ({ vision, text }: TowerPrecisions): ModelPrecision =>
  vision === text ? vision : `${vision}+${text}`;

export function towersOf(precision: ModelPrecision): TowerPrecisions {
  const [vision, text = vision] = precision.split('+') as [TowerPrecision, TowerPrecision?];
  return { vision, text };
}
export type Provider = 'cpu' | 'cuda' | 'coreml' | 'dml' | 'webgpu';

/** Red, green and blue. Pixel values are from 0 to 1. */
export type Rgb = readonly [number, number, number];

/** The steps from a decoded image to the input of a vision model. */
export interface ImageRecipe {
  /** The side length of the square input in pixels. */
  size: number;
  /** `crop` resizes the short side and cuts out the centre; `squash` resizes both sides. */
  resize: 'crop' | 'squash';
  /** The resampling filter, antialiased as in Pillow. */
  filter: 'bicubic' | 'bilinear';
  /**
   * The step at which colours are converted to RGB. `after-resize` (OpenCLIP): resize in the file's colour mode, then
   * convert and drop alpha. `before-resize` (transformers 5): blend transparency over white, convert, then resize.
   */
  rgb: 'after-resize' | 'before-resize';
  mean: Rgb;
  std: Rgb;
  /** The version of these steps, without the preprocessing mode; see {@link preprocessVersion}. */
  version: string;
}

/** Returns the bytes that a vision model reads for one image: 3 per pixel. */
export const pixelBytes = ({ size }: Pick<ImageRecipe, 'size'>): number => 3 * size * size;

/** How a text is cleaned before the tokenizer; see `models/texts/cleaning.ts`. */
export type Cleaning = 'openclip' | 'openclip-cased' | 'openclip-canonical' | 'siglip' | 'lower' | 'none';

/** Converts the ids of SentencePiece to the token ids of a model. */
export interface SentencePieceIds {
  /** The id before each text; undefined for none. */
  begin?: number;
  /** The id after each text. */
  end: number;
  /**
   * For fairseq vocabularies: SentencePiece's unknown token (id 0) becomes `unknown`, and all other ids increase by
   * `shift`.
   */
  fairseq?: { shift: number; unknown: number };
}

/** The steps from a text to the ids that a text model reads. */
export interface TextRecipe {
  clean: Cleaning;
  /**
   * `json`: described by `tokenizer.json`. `sentencepiece`: the SentencePiece library, with the vocabulary in `file`.
   */
  tokenizer: { kind: 'json' } | ({ kind: 'sentencepiece'; file: string } & SentencePieceIds);
  /** The maximum number of tokens of a text, special tokens included. */
  maxTokens: number;
  /**
   * The padding to a common length. `end` repeats the end token up to the longest text. It does not change embeddings,
   * because causal models do not see it and others mask it. Models without a mask need the padding of their training:
   * the token `id` up to the length `to`, or up to the longest text if `to` is 0.
   */
  pad: 'end' | { id: number; to: number };
  /** True: the attention mask is 0 for padding. False: it is 1 for all tokens. Only for graphs with a mask input. */
  mask: boolean;
  version: string;
}

/** The formula from cosine to probability. */
export type Probability =
  /** A softmax of `scale * cosine` over all candidates of a request. */
  | { kind: 'softmax'; scale: number }
  /** A sigmoid of `scale * cosine + bias` for each pair. */
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

/** A library whose results a model must reproduce. */
export type ReferenceLibrary = 'transformers' | 'open_clip';

/** The properties in which models differ, as plain data. `models/families/` reads them from a model's files. */
export interface ModelFacts {
  family: FamilyName;
  /** The library whose steps `image` and `text` reproduce. Undefined when only the authors' code contains them. */
  reference: ReferenceLibrary | undefined;
  image: ImageRecipe;
  text: TextRecipe;
  dimensions: number;
  probability: Probability;
  /**
   * Possible names of the output with the embedding, the preferred one first. A graph with a single output may use any
   * name.
   */
  outputs: { image: readonly string[]; text: readonly string[] };
}

/** All data for loading a model, as plain data that can be sent to another process. */
export interface ModelSpec extends ModelFacts {
  model: string;
  revision: string;
  precision: ModelPrecision;
  provider: Provider;
  /** The reason for the choice of provider and precision. */
  choice: string;
  preprocess: PreprocessMode;
  visionPath: string;
  textPath: string;
  /** Int8 graphs (`to`) to make from fp32 graphs (`from`) before loading, unless they are up to date. */
  made?: readonly { from: string; to: string }[];
  tokenizerPath: string;
  tokenizerConfigPath: string;
  /**
   * The file with golden values: results of the reference implementation that the model must reproduce. Undefined
   * without such a file.
   */
  goldenPath: string | undefined;
  /** The maximum number of images, and of texts, in one inference run. */
  microBatch: { images: number; texts: number };
  /** The resident memory of one encoder in bytes. */
  memoryBytes: number;
}

/** Embeddings are comparable only if these properties are equal. A batch stores them when it is posted. */
export interface Recipe {
  model: string;
  revision: string;
  precision: string;
  preprocess: string;
  textCleaning: string;
}

type Identified = Pick<ModelSpec, 'model' | 'revision' | 'precision' | 'preprocess' | 'image' | 'text'>;

/**
 * Returns the version that receipts and batches state. `fast` has no suffix, because it was once the default, and
 * batches that stored this version still run.
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
