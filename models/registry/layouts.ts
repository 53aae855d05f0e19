import type { Precision } from '../model.ts';

/**
 * How repositories arrange a CLIP export. `xenova`: one repository, files under `onnx/`. `immich`: one repository with
 * `visual/` and `textual/`. `qdrant`: two repositories, one for each tower. `marqo`: both towers at the root of one
 * repository, and no tokenizer. `one-file`: as `xenova`, with both towers in one graph.
 */
export const layoutNames = ['xenova', 'one-file', 'immich', 'qdrant', 'marqo'] as const;
export type LayoutName = (typeof layoutNames)[number];

export const precisions = ['fp32', 'fp16', 'int8'] as const satisfies readonly Precision[];

/** What stands before `.onnx` in the name of a tower's file. */
const suffixes: Record<Precision, string> = { fp32: '', fp16: '_fp16', int8: '_quantized' };

/** A place on the hub: a repository at a revision. */
export interface RepoAt {
  repo: string;
  revision: string;
}

/** Where a model comes from. */
export interface HubSource extends RepoAt {
  layout: LayoutName;
  /** `qdrant`: the repository of the text tower. */
  text?: RepoAt | undefined;
  /** Where the tokenizer comes from when the layout's own repository has none, or another is wanted. */
  tokenizer?: RepoAt | undefined;
  /** `marqo`: the weights, as they stand in the file names. */
  weights?: string | undefined;
}

/** One file to fetch: where it is, and under which name the service looks for it. */
export interface LayoutFile extends RepoAt {
  path: string;
  local: string;
}

/** The CLIP tokenizer is one and the same for all CLIPs with OpenAI's vocabulary. */
const clipTokenizer: RepoAt = {
  repo: 'Xenova/clip-vit-base-patch32',
  revision: '4c1807b705b1d015fb032789cc4d221b23025a6f',
};

const configFile = 'config.json';
const preprocessorFile = 'preprocessor_config.json';
const tokenizerFiles = ['tokenizer.json', 'tokenizer_config.json'] as const;

export const towerFile = (tower: 'vision' | 'text', precision: Precision): string =>
  `onnx/${tower}_model${suffixes[precision]}.onnx`;

/** The file of a graph that holds both towers. */
export const bothTowersFile = (precision: Precision): string => `onnx/model${suffixes[precision]}.onnx`;

/** The precisions a layout's repositories hold. */
export function precisionsOf(layout: LayoutName): readonly Precision[] {
  if (layout === 'xenova' || layout === 'one-file') return precisions;
  return layout === 'marqo' ? ['fp32', 'fp16'] : ['fp32'];
}

/**
 * The files of a model at a precision. What a layout lacks is absent here too; the registry entry states it.
 * @throws {Error} when the layout has no such precision, or the source lacks a field that the layout needs.
 */
export function filesOf(source: HubSource, precision: Precision): LayoutFile[] {
  const offered = precisionsOf(source.layout);
  if (!offered.includes(precision)) {
    throw new Error(`The layout ${source.layout} has no ${precision}; it has ${offered.join(' and ')}`);
  }
  const { repo, revision } = source;
  const at = (place: RepoAt, path: string, local: string): LayoutFile => ({
    repo: place.repo,
    revision: place.revision,
    path,
    local,
  });
  const here = { repo, revision };
  const tokenizer = (place: RepoAt, folder = '') =>
    tokenizerFiles.map((name) =>
      source.tokenizer === undefined ? at(place, `${folder}${name}`, name) : at(source.tokenizer, name, name),
    );
  const vision = towerFile('vision', precision);
  const text = towerFile('text', precision);

  switch (source.layout) {
    case 'xenova':
      return [
        ...[configFile, preprocessorFile].map((name) => at(here, name, name)),
        ...tokenizer(here),
        at(here, vision, vision),
        at(here, text, text),
      ];
    case 'one-file': {
      const both = bothTowersFile(precision);
      return [
        ...[configFile, preprocessorFile].map((name) => at(here, name, name)),
        ...tokenizer(here),
        at(here, both, both),
      ];
    }
    case 'immich':
      return [
        at(here, configFile, configFile),
        at(here, 'visual/preprocess_cfg.json', 'preprocess_cfg.json'),
        ...tokenizer(here, 'textual/'),
        at(here, 'visual/model.onnx', vision),
        at(here, 'textual/model.onnx', text),
      ];
    case 'qdrant': {
      if (source.text === undefined) throw new Error('The layout qdrant needs source.text: the text repository');
      return [
        at(here, preprocessorFile, preprocessorFile),
        ...tokenizer(source.text),
        at(here, 'model.onnx', vision),
        at(source.text, 'model.onnx', text),
      ];
    }
    case 'marqo': {
      const stem = marqoStem(repo, source.weights ?? 'openai', precision);
      return [
        ...tokenizer(clipTokenizer),
        at(here, `${stem}-visual.onnx`, vision),
        at(here, `${stem}-textual.onnx`, text),
      ];
    }
  }
}

/** `Marqo/onnx-open_clip-ViT-L-14` with the weights `openai` has `onnx32-open_clip-ViT-L-14-openai-visual.onnx`. */
function marqoStem(repo: string, weights: string, precision: Precision): string {
  const name = repo.slice(repo.indexOf('/') + 1).replace(/^onnx-/, '');
  return `onnx${precision === 'fp16' ? 16 : 32}-${name}-${weights}`;
}

/** Every local name that some precision of this source has; what hashes in the registry may stand for. */
export function localNames(source: HubSource): Set<string> {
  return new Set(
    precisionsOf(source.layout).flatMap((precision) => filesOf(source, precision).map(({ local }) => local)),
  );
}

/** Whether a repository of this layout leaves `dimensions` for the registry to say. */
export const needsDimensions = (layout: LayoutName): boolean => layout === 'qdrant' || layout === 'marqo';
