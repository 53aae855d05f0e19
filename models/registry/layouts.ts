import {
  type ModelPrecision,
  type Precision,
  precisions,
  type TowerPrecision,
  type TowerPrecisions,
  towersOf,
} from '../model.ts';
import { isGraph, isWeightsOf } from './weights.ts';

/**
 * The arrangements of model files in repositories of a hub. `xenova` and `onnx-community`: graphs under `onnx/`.
 * `one-file`: as `xenova`, but a single graph contains both encoders. `open-clip`: as `xenova`, but
 * `open_clip_config.json` describes the model. `immich`: the folders `visual/` and `textual/`. `qdrant`: two
 * repositories, one for each encoder. `marqo`: both encoders in the root folder, without a tokenizer.
 */
export const layoutNames = ['xenova', 'onnx-community', 'one-file', 'open-clip', 'immich', 'qdrant', 'marqo'] as const;
export type LayoutName = (typeof layoutNames)[number];

/** The ending of the file name of a graph at each precision, before `.onnx`. */
const suffixes: Record<TowerPrecision, string> = {
  fp32: '',
  fp16: '_fp16',
  int8: '_quantized',
  'int8-rows-1': '_int8_rows_1',
};

export interface RepoAt {
  repo: string;
  revision: string;
}

export interface HubSource extends RepoAt {
  layout: LayoutName;
  /** Only for the layout `qdrant`: the repository of the text encoder. */
  text?: RepoAt | undefined;
  /** The repository of the tokenizer, when it is not that of the model. */
  tokenizer?: RepoAt | undefined;
  /** Only for the layout `marqo`: the name of the weights, which is part of the file names. */
  weights?: string | undefined;
  /**
   * The folder of the graphs, if not `onnx`; `.` is the root folder. Its `preprocessor_config.json` takes precedence
   * over that of the root folder.
   */
  folder?: string | undefined;
}

/** `path` is the path in the repository, `local` the path in the model's directory. */
export interface LayoutFile extends RepoAt {
  path: string;
  local: string;
}

/** For all models with the vocabulary of OpenAI's CLIP. */
const clipTokenizer: RepoAt = {
  repo: 'Xenova/clip-vit-base-patch32',
  revision: '4c1807b705b1d015fb032789cc4d221b23025a6f',
};

const configFile = 'config.json';
const preprocessorFile = 'preprocessor_config.json';
const openClipFile = 'open_clip_config.json';
const tokenizerFiles = ['tokenizer.json', 'tokenizer_config.json'] as const;
/**
 * Files of some tokenizers: models of SentencePiece, which give the same token ids as the reference library, and the
 * vocabulary of WordPiece.
 */
const moreTokenizerFiles = ['spiece.model', 'tokenizer.model', 'sentencepiece.bpe.model', 'vocab.txt'] as const;

export const towerFile = (tower: 'vision' | 'text', precision: TowerPrecision): string =>
  `onnx/${tower}_model${suffixes[precision]}.onnx`;

export const bothTowersFile = (precision: TowerPrecision): string => `onnx/model${suffixes[precision]}.onnx`;

/** Returns true when the name of the file is that of a graph with both models, vision and text. */
export const holdsBothTowers = (path: string): boolean => /(^|[/\\])model(_\w+)?\.onnx$/.test(path);

const layoutsOfOnnxFolders: readonly LayoutName[] = ['xenova', 'onnx-community', 'one-file', 'open-clip'];

/** Returns true if a source with this layout may name the folder of the graphs. */
export const hasFolder = (layout: LayoutName): boolean => layoutsOfOnnxFolders.includes(layout);

export function precisionsOf(layout: LayoutName): readonly Precision[] {
  if (hasFolder(layout)) return precisions;
  return layout === 'marqo' ? ['fp32', 'fp16'] : ['fp32'];
}

const at = ({ repo, revision }: RepoAt, path: string, local: string): LayoutFile => ({ repo, revision, path, local });

/**
 * Returns the required files.
 * @throws {Error} when the layout does not offer the precision, or when the source lacks a field that the layout needs.
 */
export function filesOf(source: HubSource, precision: ModelPrecision): LayoutFile[] {
  const { layout } = source;
  const offered: readonly TowerPrecision[] = precisionsOf(layout);
  const towers = towersOf(precision);
  for (const each of [towers.vision, towers.text]) {
    if (!offered.includes(each))
      throw new Error(`The layout ${layout} has no files of the precision ${each}, only ${offered.join(' and ')}`);
  }
  const tokenizer = tokenizerPlace(source);
  return [
    ...describingFiles(source).map(([path, local]) => at(source, path, local)),
    ...tokenizerFiles.map((name) => at(tokenizer, `${tokenizer.folder}${name}`, name)),
    ...graphsOf(source, towers),
  ];
}

/** Returns the optional files. Of two with the same local name, the later one is used. */
export function optionalFilesOf(source: HubSource): LayoutFile[] {
  const { layout, folder } = source;
  const tokenizer = tokenizerPlace(source);
  const describing = !hasFolder(layout) ? [] : layout === 'open-clip' ? [configFile, preprocessorFile] : [openClipFile];
  return [
    ...describing.map((name) => at(source, name, name)),
    // Each of several models in a repository may have its own image size. The file in its own folder takes precedence.
    ...(hasOwnFolder(source)
      ? ['', `${folder}/`].map((place) => at(source, `${place}${preprocessorFile}`, preprocessorFile))
      : []),
    ...moreTokenizerFiles.map((name) => at(tokenizer, `${tokenizer.folder}${name}`, name)),
  ];
}

const hasOwnFolder = ({ folder }: HubSource): boolean => folder !== undefined && folder !== 'onnx' && folder !== '.';

function describingFiles(source: HubSource): [path: string, local: string][] {
  const same = (...names: string[]): [string, string][] => names.map((name) => [name, name]);
  switch (source.layout) {
    case 'open-clip':
      return same(openClipFile);
    case 'immich':
      return [...same(configFile), ['visual/preprocess_cfg.json', 'preprocess_cfg.json']];
    case 'qdrant':
      return same(preprocessorFile);
    case 'marqo':
      return [];
    default:
      return same(configFile, ...(hasOwnFolder(source) ? [] : [preprocessorFile]));
  }
}

function tokenizerPlace(source: HubSource): RepoAt & { folder: string } {
  if (source.tokenizer !== undefined) return { ...source.tokenizer, folder: '' };
  if (source.layout === 'marqo') return { ...clipTokenizer, folder: '' };
  const { repo, revision } = source.layout === 'qdrant' ? textPlace(source) : source;
  return { repo, revision, folder: source.layout === 'immich' ? 'textual/' : '' };
}

function textPlace({ text }: HubSource): RepoAt {
  if (text === undefined)
    throw new Error('A source with the layout qdrant must state the repository of its text model in source.text');
  return text;
}

/** Returns the graphs of a model, the vision model first. A file with both encoders is returned once. */
function graphsOf(source: HubSource, towers: TowerPrecisions): LayoutFile[] {
  const vision = towerFile('vision', towers.vision);
  const text = towerFile('text', towers.text);
  const folder = source.folder ?? 'onnx';
  const inFolder = (local: string) =>
    at(source, folder === '.' ? local.slice('onnx/'.length) : local.replace(/^onnx/, folder), local);
  switch (source.layout) {
    case 'one-file':
      return [...new Set([towers.vision, towers.text])].map((precision) => inFolder(bothTowersFile(precision)));
    case 'immich':
      return [at(source, 'visual/model.onnx', vision), at(source, 'textual/model.onnx', text)];
    case 'qdrant':
      return [at(source, 'model.onnx', vision), at(textPlace(source), 'model.onnx', text)];
    case 'marqo': {
      const stem = (precision: TowerPrecision) => marqoStem(source.repo, source.weights ?? 'openai', precision);
      return [
        at(source, `${stem(towers.vision)}-visual.onnx`, vision),
        at(source, `${stem(towers.text)}-textual.onnx`, text),
      ];
    }
    default:
      return [inFolder(vision), inFolder(text)];
  }
}

/**
 * With the weights `openai`, for example, `Marqo/onnx-open_clip-ViT-L-14` has the file
 * `onnx32-open_clip-ViT-L-14-openai-visual.onnx`.
 */
function marqoStem(repo: string, weights: string, precision: TowerPrecision): string {
  const name = repo.slice(repo.indexOf('/') + 1).replace(/^onnx-/, '');
  return `onnx${precision === 'fp16' ? 16 : 32}-${name}-${weights}`;
}

/** Returns true if a file belongs to the source at any precision. An entry may state hashes only for such files. */
export function isLocalName(source: HubSource, local: string): boolean {
  const required = precisionsOf(source.layout).flatMap((precision) => filesOf(source, precision));
  const known = [...required, ...optionalFilesOf(source)];
  return known.some((file) => file.local === local || (isGraph(file.local) && isWeightsOf(file.local, local)));
}

/** Returns true if repositories of a layout do not state `dimensions`, so the registry entry must. */
export const needsDimensions = (layout: LayoutName): boolean => layout === 'qdrant' || layout === 'marqo';
