/** The modes of image preprocessing; see `models/pixels/preprocess.ts`. */
export const preprocessModes = ['exact', 'fast'] as const;
export type PreprocessMode = (typeof preprocessModes)[number];

export type Precision = 'fp32' | 'fp16' | 'int8';
export const precisions = ['fp32', 'fp16', 'int8'] as const satisfies readonly Precision[];

/**
 * The precision of the int8 towers that this service makes from fp32 towers; see `models/quantization/`. The number at
 * the end is the version of the method.
 */
export type OwnInt8 = 'int8-rows-1';
/** The precision of one tower. `int8` means files that were published with the model, not made by this service. */
export type TowerPrecision = Precision | OwnInt8;

/** The precision of each tower. The vision tower embeds images, and the text tower embeds texts. */
export interface TowerPrecisions {
  vision: TowerPrecision;
  text: TowerPrecision;
}

/**
 * The precision of a model. A single value applies to both towers. In a pair such as `fp16+fp32`, the first value is
 * that of the vision tower, and the second that of the text tower.
 */
export type ModelPrecision = TowerPrecision | `${TowerPrecision}+${TowerPrecision}`;

export const precisionName = ({ vision, text }: TowerPrecisions): ModelPrecision =>
  vision === text ? vision : `${vision}+${text}`;

export function towersOf(precision: ModelPrecision): TowerPrecisions {
  const [vision, text = vision] = precision.split('+') as [TowerPrecision, TowerPrecision?];
  return { vision, text };
}
export type Provider = 'cpu' | 'cuda' | 'coreml' | 'dml' | 'webgpu';

/** Three values for red, green and blue, on a scale on which pixel values are from 0 to 1. */
export type Rgb = readonly [number, number, number];

/** The steps from a decoded image to the values that a vision tower reads. */
export interface ImageRecipe {
  /** The side length, in pixels, of the square image that the tower reads. */
  size: number;
  /**
   * How the image becomes a square. `crop` resizes the short side and cuts out the centre; `squash` resizes both sides.
   */
  resize: 'crop' | 'squash';
  /** The resampling filter. Both filters are antialiased as in Pillow. */
  filter: 'bicubic' | 'bilinear';
  /**
   * The order of the resize and the conversion of colours to RGB. `after-resize` (OpenCLIP): the image is resized in
   * the colour mode of its file and then converted; its alpha channel is dropped. `before-resize` (transformers 5):
   * transparent parts are blended over white, and the converted image is resized.
   */
  rgb: 'after-resize' | 'before-resize';
  mean: Rgb;
  std: Rgb;
  /**
   * The version of the steps in this recipe. It does not include the preprocessing mode; see {@link preprocessVersion}.
   */
  version: string;
}

/** Returns the size in bytes of the pixels that the vision tower reads for one image: 3 bytes per pixel. */
export const pixelBytes = ({ size }: Pick<ImageRecipe, 'size'>): number => 3 * size * size;

/** The cleaning of a text before the tokenizer; see `models/texts/cleaning.ts`. */
export type Cleaning = 'openclip' | 'openclip-cased' | 'openclip-canonical' | 'siglip' | 'lower' | 'none';

/** The conversion of the ids that SentencePiece returns to the token ids of a model. */
export interface SentencePieceIds {
  /** The id that is added before the ids of each text. Undefined when the model adds none. */
  begin?: number;
  /** The id that is added after the ids of each text. */
  end: number;
  /**
   * For vocabularies of fairseq: the unknown token, which has the id 0 in SentencePiece, gets the id `unknown`, and all
   * other ids are increased by `shift`.
   */
  fairseq?: { shift: number; unknown: number };
}

/** The steps from a text to the ids that a text tower reads. */
export interface TextRecipe {
  clean: Cleaning;
  /**
   * The tokenizer. `json`: a tokenizer that `tokenizer.json` describes. `sentencepiece`: the SentencePiece library,
   * which loads its vocabulary from `file`.
   */
  tokenizer: { kind: 'json' } | ({ kind: 'sentencepiece'; file: string } & SentencePieceIds);
  /** The maximum number of tokens of a text, special tokens included. */
  maxTokens: number;
  /**
   * The padding that gives all texts in one run of the tower the same length. `end` repeats the end token up to the
   * length of the longest text. This padding does not change embeddings: a causal tower does not see tokens after the
   * end token, and other towers mask them. Towers that do not mask padding need the padding with which they were
   * trained: the token `id` up to the length `to`, or up to the longest text of the run if `to` is 0.
   */
  pad: 'end' | { id: number; to: number };
  /**
   * The kind of attention mask, for graphs with a mask input. True: the mask is 0 for padding and 1 for all other
   * tokens. False: it is 1 for all tokens.
   */
  mask: boolean;
  /** The version of the steps of this recipe. */
  version: string;
}

/** The formula that computes probabilities from cosines. */
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

/** All properties in which models differ, as plain data. `models/families/` reads them from the files of a model. */
export interface ModelFacts {
  family: FamilyName;
  /**
   * The library whose steps the recipes `image` and `text` reproduce. Undefined when only the code of the model's
   * authors contains the steps.
   */
  reference: ReferenceLibrary | undefined;
  image: ImageRecipe;
  text: TextRecipe;
  /** The length of an embedding. */
  dimensions: number;
  probability: Probability;
  /**
   * The possible names of the graph output that contains the embedding, the preferred one first. A graph with a single
   * output may use any name.
   */
  outputs: { image: readonly string[]; text: readonly string[] };
}

/** All data that an encoder needs to load a model. It is plain data, so that it can be sent to another process. */
export interface ModelSpec extends ModelFacts {
  model: string;
  revision: string;
  precision: ModelPrecision;
  provider: Provider;
  /** The reason why this execution provider and this precision were chosen, as text. */
  choice: string;
  preprocess: PreprocessMode;
  visionPath: string;
  textPath: string;
  /**
   * The int8 graphs (`to`) that must be made from fp32 graphs (`from`) before the model is loaded, unless they exist
   * and are up to date.
   */
  made?: readonly { from: string; to: string }[];
  tokenizerPath: string;
  tokenizerConfigPath: string;
  /**
   * The path of the file with golden values: results of the reference implementation that the model must reproduce
   * before it is used. Undefined when there is no such file.
   */
  goldenPath: string | undefined;
  /** The maximum number of images, and of texts, in one run of a tower. */
  microBatch: { images: number; texts: number };
  /** The resident memory of one encoder with this model, in bytes. */
  memoryBytes: number;
}

/**
 * The properties that must be equal in two embeddings for them to be comparable. A batch stores them when it is posted.
 */
export interface Recipe {
  model: string;
  revision: string;
  precision: string;
  preprocess: string;
  textCleaning: string;
}

type Identified = Pick<ModelSpec, 'model' | 'revision' | 'precision' | 'preprocess' | 'image' | 'text'>;

/**
 * Returns the version of the image preprocessing, as receipts and batches state it. Only the mode `exact` adds a
 * suffix, because `fast` was once the default. The version of `fast` and its values have not changed since, so batches
 * that have stored this version still run.
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

/** Returns the recipe as one string, for use as the key of caches and pools. */
export function modelKey(spec: Identified): string {
  const { model, revision, precision, preprocess, textCleaning } = recipeOf(spec);
  return `${model}@${revision}/${precision}/${preprocess}/${textCleaning}`;
}
