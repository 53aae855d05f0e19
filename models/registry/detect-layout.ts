import { called } from '../../shared/called.ts';
import { precisions } from '../model.ts';
import type { HubSource, LayoutName, RepoAt } from './layouts.ts';
import { filesOf, precisionsOf } from './layouts.ts';
import type { TowersHere } from './precision.ts';
import { isGraph } from './weights.ts';

/** The user's choice in a repository with several models. */
export interface LayoutChoice {
  layout?: LayoutName | undefined;
  folder?: string | undefined;
  weights?: string | undefined;
}

/** The layout, with the values that the file names show. */
export type DetectedLayout = Pick<HubSource, 'layout' | 'folder' | 'weights'>;

const suffix = '(?:_fp16|_quantized)?';

/**
 * Detects the layout of a repository from its file names.
 * @throws {Error} listing what was found, when the files match no layout, or when `choice` does not select one of
 * several models.
 */
export function detectLayout({ repo }: RepoAt, files: Iterable<string>, choice: LayoutChoice = {}): DetectedLayout {
  const all = new Set(files);
  const candidates = candidatesIn(repo, all);
  const isChosen = ({ layout, folder, weights }: DetectedLayout) =>
    (choice.layout === undefined || choice.layout === layout || sameGraphs(choice.layout, layout)) &&
    (choice.folder === undefined || choice.folder === (folder ?? 'onnx')) &&
    (choice.weights === undefined || choice.weights === weights);
  const chosen = candidates.filter(isChosen);
  // A single graph with both encoders would compute both in each run.
  const pair = chosen.filter(({ layout }) => layout !== 'one-file');
  const found = pair.length > 0 ? pair : chosen;
  const detected = found.find(({ folder, weights }) => folder === undefined && weights === undefined) ?? found[0];
  if (detected === undefined) throw new Error(`${repo} ${lackOf(all, choice)}`);
  if (found.length === 1 || (detected.folder === undefined && detected.weights === undefined)) {
    return { ...detected, layout: choice.layout ?? detected.layout };
  }
  const flag = detected.weights === undefined ? 'folder' : 'weights';
  const names = found.map((each) => each[flag] ?? 'onnx').join(', ');
  throw new Error(`${repo} has several models: choose one with --${flag}, of ${names}`);
}

/** Returns true when two layouts differ only in the small files that describe a model. */
const sameGraphs = (a: LayoutName, b: LayoutName): boolean => [a, b].every((layout) => pairs.includes(layout));
const pairs: readonly LayoutName[] = ['xenova', 'onnx-community', 'open-clip'];

function candidatesIn(repo: string, files: ReadonlySet<string>): DetectedLayout[] {
  const found: DetectedLayout[] = [];
  const add = (candidate: DetectedLayout) => {
    const text = JSON.stringify(candidate);
    if (!found.some((each) => JSON.stringify(each) === text)) found.push(candidate);
  };
  const pair: LayoutName =
    files.has('open_clip_config.json') && !files.has('config.json')
      ? 'open-clip'
      : repo.startsWith('onnx-community/')
        ? 'onnx-community'
        : 'xenova';
  const hasText = (folder: string) =>
    [...files].some((file) => file.startsWith(`${folder}text_model`) && isGraph(file));
  const placeOf = (folder: string) => (folder === 'onnx/' ? {} : { folder: folder === '' ? '.' : folder.slice(0, -1) });
  const marqo = new RegExp(
    `^onnx(?:16|32)-${escaped(repo.slice(repo.indexOf('/') + 1).replace(/^onnx-/, ''))}-(.+)-visual\\.onnx$`,
  );
  for (const file of files) {
    const [, folder] = new RegExp(`^((?:.*/)?)vision_model${suffix}\\.onnx$`).exec(file) ?? [];
    if (folder !== undefined && hasText(folder)) add({ layout: pair, ...placeOf(folder) });
    const [, weights] = marqo.exec(file) ?? [];
    if (weights !== undefined) add({ layout: 'marqo', weights });
  }
  if (files.has('visual/model.onnx') && files.has('textual/model.onnx')) add({ layout: 'immich' });
  if (files.has('model.onnx') && /-(vision|text)$/.test(repo)) return [...found, { layout: 'qdrant' }];
  for (const file of files) {
    const [, folder] = new RegExp(`^((?:.*/)?)model${suffix}\\.onnx$`).exec(file) ?? [];
    if (folder !== undefined) add({ layout: 'one-file', ...placeOf(folder) });
  }
  return found;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

function lackOf(files: ReadonlySet<string>, { layout, folder, weights }: LayoutChoice): string {
  const graphs = [...files].filter(isGraph);
  const asked = [layout, folder, weights].filter((each) => each !== undefined);
  if (graphs.length === 0) {
    return `has no ONNX files: look for an export of it with \`${called} models search\`, or export it with optimum or open_clip`;
  }
  const shown = graphs.slice(0, 8).join(', ');
  const known =
    asked.length > 0 ? `no model for ${asked.join(', ')}` : 'the files of no layout that this service knows';
  return `has ${known}: its graphs are ${shown}${graphs.length > 8 ? ', …' : ''}`;
}

/** Returns the precisions in which a repository offers each encoder. */
export function towersListed(source: HubSource, files: ReadonlyMap<string, unknown>, textFiles = files): TowersHere {
  const of = (tower: 'vision' | 'text') =>
    precisions.filter((precision) => {
      if (!precisionsOf(source.layout).includes(precision)) return false;
      const graphs = filesOf(source, precision).filter(({ local }) => isGraph(local));
      const graph = tower === 'vision' ? graphs[0] : graphs.at(-1);
      return graph !== undefined && (tower === 'text' ? textFiles : files).has(graph.path);
    });
  return { vision: of('vision'), text: of('text') };
}
