/** The modes of image preprocessing; see `models/pixels/preprocess.ts`. */
export const preprocessModes = ['exact', 'fast'] as const;
export type PreprocessMode = (typeof preprocessModes)[number];

export type Precision = 'fp32' | 'fp16' | 'int8';
export const precisions = ['fp32', 'fp16', 'int8'] as const satisfies readonly Precision[];

/** int8 towers that this service makes from fp32 ones; see `models/quantization/`. The number is their version. */
export type OwnInt8 = 'int8-rows-1';
/** `int8` is that of a model's own files. */
export type TowerPrecision = Precision | OwnInt8;

/** The precision of each tower. */
export interface TowerPrecisions {
  vision: TowerPrecision;
  text: TowerPrecision;
}

/** The precision of a model: one for both towers, or two, first that of the vision tower, as in `fp16+fp32`. */
export type ModelPrecision = TowerPrecision | `${TowerPrecision}+${TowerPrecision}`;

export const precisionName = ({ vision, text }: TowerPrecisions): ModelPrecision =>
  vision === text ? vision : `${vision}+${text}`;

export function towersOf(precision: ModelPrecision): TowerPrecisions {
  const [vision, text = vision] = precision.split('+') as [TowerPrecision, TowerPrecision?];
  return { vision, text };
}
export type Provider = 'cpu' | 'cuda' | 'coreml' | 'dml' | 'webgpu';

/** Three numbers, for red, green and blue, in terms of pixel values in [0, 1]. */
export type Rgb = readonly [number, number, number];

/** The steps from a decoded image to the values that a vision tower reads. */
export interface ImageRecipe {
  /** Side of the square in pixels. */
  size: number;
  /** `crop` resizes the short side and cuts out the centre; `squash` resizes both sides to the square. */
  resize: 'crop' | 'squash';
  /** The resampling filter. Both are antialiased as in Pillow. */
  filter: 'bicubic' | 'bilinear';
  /**
   * The step at which colours are converted to RGB. `after-resize`: the image is resized in the colour mode of its
   * file, and alpha is dropped (OpenCLIP). `before-resize`: transparent parts are first blended over white
   * (transformers 5).
   */
  rgb: 'after-resize' | 'before-resize';
  mean: Rgb;
  std: Rgb;
  /** The version of these steps, without the mode; see {@link preprocessVersion}. */
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
  /** For vocabularies of fairseq: all ids are increased by `shift`, and the unknown token (0) has the id `unknown`. */
  fairseq?: { shift: number; unknown: number };
}

/** The steps from a text to the ids that a text tower reads. */
export interface TextRecipe {
  clean: Cleaning;
  /**
   * The tokenizer. `json`: described by `tokenizer.json`. `sentencepiece`: the SentencePiece library, with its model in
   * `file`.
   */
  tokenizer: { kind: 'json' } | ({ kind: 'sentencepiece'; file: string } & SentencePieceIds);
  /** The maximum number of tokens, special tokens included. */
  maxTokens: number;
  /**
   * The padding of texts. `end` repeats the end token up to the longest text of a run: a causal tower does not see
   * tokens after the end token, and other towers mask them. A tower that reads its padding needs the id and the length
   * of its training. Length 0 means the length of the longest text of a run.
   */
  pad: 'end' | { id: number; to: number };
  /** True when padding is masked, if the graph has a mask input. Otherwise the mask is 1 for all tokens. */
  mask: boolean;
  /** The version of these steps. */
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
  /** The length of an embedding. */
  dimensions: number;
  probability: Probability;
  /**
   * The names of graph outputs that are embeddings, the preferred one first. A graph with a single output may use any
   * name.
   */
  outputs: { image: readonly string[]; text: readonly string[] };
}

/** All data with which an encoder loads a model. It is plain data, so that it can be sent to another process. */
export interface ModelSpec extends ModelFacts {
  model: string;
  revision: string;
  precision: ModelPrecision;
  provider: Provider;
  /** The reason for this provider and precision, as text. */
  choice: string;
  preprocess: PreprocessMode;
  visionPath: string;
  textPath: string;
  /** int8 graphs that are made from fp32 ones before they are loaded, if they are missing. */
  made?: readonly { from: string; to: string }[];
  tokenizerPath: string;
  tokenizerConfigPath: string;
  /** The path of golden values that the model must reproduce before it is used; undefined when there are none. */
  goldenPath: string | undefined;
  /** Maximum images and texts in one run of a tower. */
  microBatch: { images: number; texts: number };
  /** The resident memory of one encoder with this model, in bytes. */
  memoryBytes: number;
}

/** The properties in which two embeddings must agree to be comparable. A batch stores them when it is posted. */
export interface Recipe {
  model: string;
  revision: string;
  precision: string;
  preprocess: string;
  textCleaning: string;
}

type Identified = Pick<ModelSpec, 'model' | 'revision' | 'precision' | 'preprocess' | 'image' | 'text'>;

/**
 * Returns the version of the steps from the image file to the input of the tower, as stated in receipts and batches.
 * The mode `fast` was once the default with the same version and the same values, so batches that stored it still run.
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

/** Returns the recipe as one string, which is the key of caches and pools. */
export function modelKey(spec: Identified): string {
  const { model, revision, precision, preprocess, textCleaning } = recipeOf(spec);
  return `${model}@${revision}/${precision}/${preprocess}/${textCleaning}`;
}
