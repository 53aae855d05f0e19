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
 * Arrangements of model files in repositories. `xenova` and `onnx-community`: one repository, graphs under `onnx/`.
 * `one-file`: the same, with both towers in one graph. `open-clip`: the same, described by `open_clip_config.json`.
 * `immich`: one repository with `visual/` and `textual/`. `qdrant`: two repositories, one for each tower. `marqo`: both
 * towers at the root of one repository, and no tokenizer.
 */
export const layoutNames = ['xenova', 'onnx-community', 'one-file', 'open-clip', 'immich', 'qdrant', 'marqo'] as const;
export type LayoutName = (typeof layoutNames)[number];

/** The ending of a graph's file name, before `.onnx`. */
const suffixes: Record<TowerPrecision, string> = {
  fp32: '',
  fp16: '_fp16',
  int8: '_quantized',
  'int8-rows-1': '_int8_rows_1',
};

/** A place on the hub: a repository at a revision. */
export interface RepoAt {
  repo: string;
  revision: string;
}

/** The source of a model. */
export interface HubSource extends RepoAt {
  layout: LayoutName;
  /** `qdrant`: the repository of the text tower. */
  text?: RepoAt | undefined;
  /** The source of the tokenizer, if the repository has none or another one is preferred. */
  tokenizer?: RepoAt | undefined;
  /** For `marqo`: the name of the weights in the file names. */
  weights?: string | undefined;
  /**
   * The folder of the graphs if it is not `onnx`; `.` is the root. A `preprocessor_config.json` in this folder takes
   * precedence over that in the root.
   */
  folder?: string | undefined;
}

/** A file to download: its place on the hub, and its local name. */
export interface LayoutFile extends RepoAt {
  path: string;
  local: string;
}

/** All CLIP models with OpenAI's vocabulary share this tokenizer. */
const clipTokenizer: RepoAt = {
  repo: 'Xenova/clip-vit-base-patch32',
  revision: '4c1807b705b1d015fb032789cc4d221b23025a6f',
};

const configFile = 'config.json';
const preprocessorFile = 'preprocessor_config.json';
const openClipFile = 'open_clip_config.json';
const tokenizerFiles = ['tokenizer.json', 'tokenizer_config.json'] as const;
/**
 * Files that only some tokenizers have: the models of SentencePiece, whose token ids are exact, and the vocabulary of
 * WordPiece.
 */
const moreTokenizerFiles = ['spiece.model', 'tokenizer.model', 'sentencepiece.bpe.model', 'vocab.txt'] as const;

export const towerFile = (tower: 'vision' | 'text', precision: TowerPrecision): string =>
  `onnx/${tower}_model${suffixes[precision]}.onnx`;

/** Returns the file of a graph with both towers. */
export const bothTowersFile = (precision: TowerPrecision): string => `onnx/model${suffixes[precision]}.onnx`;

/** Returns true if a graph holds both towers, by its name. */
export const holdsBothTowers = (path: string): boolean => /(^|[/\\])model(_\w+)?\.onnx$/.test(path);

const layoutsOfOnnxFolders: readonly LayoutName[] = ['xenova', 'onnx-community', 'one-file', 'open-clip'];

/** Returns true if a layout has its graphs in a folder that the source may name. */
export const hasFolder = (layout: LayoutName): boolean => layoutsOfOnnxFolders.includes(layout);

/** Returns the precisions in the repositories of a layout. */
export function precisionsOf(layout: LayoutName): readonly Precision[] {
  if (hasFolder(layout)) return precisions;
  return layout === 'marqo' ? ['fp32', 'fp16'] : ['fp32'];
}

const at = ({ repo, revision }: RepoAt, path: string, local: string): LayoutFile => ({ repo, revision, path, local });

/**
 * Returns the files that a model must have at a precision. If a layout does not have a file, the registry entry states
 * its facts.
 * @throws {Error} when the layout does not have the precision, or the source does not have a field that the layout
 * needs.
 */
export function filesOf(source: HubSource, precision: ModelPrecision): LayoutFile[] {
  const { layout } = source;
  const offered: readonly TowerPrecision[] = precisionsOf(layout);
  const towers = towersOf(precision);
  for (const each of [towers.vision, towers.text]) {
    if (!offered.includes(each))
      throw new Error(`The layout ${layout} has no ${each}; it has ${offered.join(' and ')}`);
  }
  const tokenizer = tokenizerPlace(source);
  return [
    ...describingFiles(source).map(([path, local]) => at(source, path, local)),
    ...tokenizerFiles.map((name) => at(tokenizer, `${tokenizer.folder}${name}`, name)),
    ...graphsOf(source, towers),
  ];
}

/** Returns the optional files of a model. If two have the same local name, the later one is used. */
export function optionalFilesOf(source: HubSource): LayoutFile[] {
  const { layout, folder } = source;
  const tokenizer = tokenizerPlace(source);
  const describing = !hasFolder(layout) ? [] : layout === 'open-clip' ? [configFile, preprocessorFile] : [openClipFile];
  return [
    ...describing.map((name) => at(source, name, name)),
    // Models that share a repository may read images of different sizes.
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
  if (text === undefined) throw new Error('The layout qdrant needs source.text: the text repository');
  return text;
}

/** Returns the graphs of a model, the vision tower first; a single file if it has both. */
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

/** With weights `openai`, `Marqo/onnx-open_clip-ViT-L-14` has `onnx32-open_clip-ViT-L-14-openai-visual.onnx`. */
function marqoStem(repo: string, weights: string, precision: TowerPrecision): string {
  const name = repo.slice(repo.indexOf('/') + 1).replace(/^onnx-/, '');
  return `onnx${precision === 'fp16' ? 16 : 32}-${name}-${weights}`;
}

/** Returns true if the source has a file of this local name at some precision. Only such files may have hashes. */
export function isLocalName(source: HubSource, local: string): boolean {
  const required = precisionsOf(source.layout).flatMap((precision) => filesOf(source, precision));
  const known = [...required, ...optionalFilesOf(source)];
  return known.some((file) => file.local === local || (isGraph(file.local) && isWeightsOf(file.local, local)));
}

/** Returns true if the repositories of a layout do not state `dimensions`, so the registry must. */
export const needsDimensions = (layout: LayoutName): boolean => layout === 'qdrant' || layout === 'marqo';
