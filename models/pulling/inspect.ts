import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StatedFacts } from '../families/family.ts';
import { configNames } from '../families/folder-files.ts';
import { readModelFacts } from '../families/index.ts';
import type { ModelFacts, ModelPrecision } from '../model.ts';
import { towersOf } from '../model.ts';
import { detectLayout, type LayoutChoice, towersListed } from '../registry/detect-layout.ts';
import {
  filesOf,
  type HubSource,
  type LayoutFile,
  needsDimensions,
  optionalFilesOf,
  type RepoAt,
} from '../registry/layouts.ts';
import { precisionsOfTowers } from '../registry/precision.ts';
import { isGraph, isWeightsOf } from '../registry/weights.ts';
import { download } from './download.ts';
import { uniqueFiles, weightsFile } from './find-files.ts';
import type { Hub, Listing } from './hub.ts';
import { type Patience, patience, persist } from './persist.ts';
import { PullError } from './pull-error.ts';

/** These facts take precedence over {@link InspectOptions.known}. */
export interface InspectChoice extends LayoutChoice, Omit<StatedFacts, 'preprocess'> {
  /** The repository of the tokenizer, when the inspected repository has none. */
  tokenizer?: string | undefined;
}

export interface InspectOptions extends Partial<Patience> {
  hub: Hub;
  choice?: InspectChoice | undefined;
  /** The facts that the registry states about a model in this repository. */
  known?: StatedFacts | undefined;
  signal?: AbortSignal | undefined;
}

export interface Inspected {
  /** The entry to write into a registry file. */
  entry: Record<string, unknown>;
  source: HubSource;
  facts: Pick<ModelFacts, 'family' | 'dimensions'>;
  precisions: ModelPrecision[];
  /** The total size of all files at the default precision in bytes, if stated. */
  bytes: number | undefined;
}

/** OpenAI's normalisation, which repositories in the layout `marqo` do not state. */
const openAi = { mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711] } as const;

/**
 * Determines layout, family and precisions of a repository from its list of files and small configuration files.
 * Downloads no weights.
 * @throws {PullError} `unusable`, with the missing facts and how to state them.
 */
export async function inspect(place: RepoAt, options: InspectOptions): Promise<Inspected> {
  const { choice = {}, known = {} } = options;
  const lists = new Map<string, Listing>();
  const listOf = async (where: RepoAt): Promise<Listing> => {
    const list = lists.get(where.repo) ?? (await requireList(where, options));
    lists.set(where.repo, list);
    return list;
  };
  const main = await listOf(place);
  const source = await sourceOf(place, main, choice, listOf);
  const textList = source.text === undefined ? main : await listOf(source.text);
  const precisions = precisionsOfTowers(towersListed(source, main.files, textList.files));
  const [precision] = precisions;
  if (precision === undefined)
    throw unusable(`${place.repo} has only one ONNX file; a model needs a vision model and a text model`, stateIt);

  const files = uniqueFiles(precisions.flatMap((each) => filesOf(source, each)));
  const isListed = (file: LayoutFile) => lists.get(file.repo)?.files.has(file.path) ?? true;
  const missing = files.filter((file) => !isListed(file)).map(({ path }) => path);
  if (missing.length > 0) {
    const how = missing.some((path) => path.includes('tokenizer'))
      ? 'Name a repository that has the tokenizer: --tokenizer OWNER/NAME.'
      : stateIt;
    throw unusable(`${place.repo} lacks ${missing.join(' and ')}`, how);
  }
  const optional = optionalFilesOf(source).filter(isListed);
  const stated = statedBy(source, choice, known);
  if (needsDimensions(source.layout) && stated.dimensions === undefined) {
    const missing = `${place.repo} does not state the length of an embedding`;
    throw unusable(missing, 'Give --dimensions, for example 512 for ViT-B/32 and 768 for ViT-L/14.');
  }
  const facts = await readFacts(place, [...files, ...optional], stated, options);
  const weights = files.filter(({ local }) => isGraph(local)).flatMap((graph) => weightsIn(lists, graph));
  const pinned = Object.fromEntries(
    [...files.filter(({ local }) => isGraph(local)), ...weights].flatMap((file) => {
      const { sha256, bytes } = lists.get(file.repo)?.files.get(file.path) ?? {};
      return sha256 === undefined ? [] : [[file.local, { sha256, ...(bytes !== undefined && { bytes }) }]];
    }),
  );
  return {
    entry: {
      ...(choice.family !== undefined || known.family !== undefined ? { family: stated.family } : {}),
      source: { type: 'huggingface', ...source },
      ...(main.licence !== undefined && { licence: main.licence }),
      ...(main.languages !== undefined && main.languages.length > 0 && { languages: main.languages }),
      dimensions: facts.dimensions,
      ...(stated.contextLength !== undefined && { contextLength: stated.contextLength }),
      ...(stated.preprocess !== undefined && { preprocess: stated.preprocess }),
      ...(stated.logitScale !== undefined && { logitScale: stated.logitScale }),
      ...(stated.logitBias !== undefined && { logitBias: stated.logitBias }),
      ...precisionField(precisions, facts),
      files: pinned,
    },
    source,
    facts,
    precisions,
    bytes: sumOf(lists, [
      ...filesOf(source, precision),
      ...optional,
      ...weights.filter((file) => isOf(file, source, precision)),
    ]),
  };
}

const stateIt = 'Write an entry for the model into the file of MODELS_FILE; docs/models.md describes entries.';

const unusable = (message: string, advice: string, cause?: unknown) =>
  new PullError('unusable', message, advice, cause === undefined ? {} : { cause });

async function requireList(place: RepoAt, { hub, signal, ...more }: InspectOptions): Promise<Listing> {
  const options = { ...patience, ...more, signal, onRetry: () => {} };
  const list = await persist(options, (attempt) => hub.list(place, attempt));
  if (list === undefined) throw unusable(`${hub.name} cannot list the files of a repository`, stateIt);
  if (list.files.size === 0) {
    throw new PullError(
      'not_found',
      `${hub.name} has no files of ${place.repo} at ${place.revision}`,
      'Check the name of the repository and the revision.',
    );
  }
  return list;
}

/** Pins the repository and those on which it depends to the present commit of their revision. */
async function sourceOf(
  place: RepoAt,
  list: Listing,
  choice: InspectChoice,
  listOf: (place: RepoAt) => Promise<Listing>,
): Promise<HubSource> {
  const pin = (where: RepoAt, { commit }: Listing): RepoAt => ({
    repo: where.repo,
    revision: commit ?? where.revision,
  });
  const elsewhere = async (repo: string): Promise<RepoAt> => {
    const where = { repo, revision: 'main' };
    return pin(where, await listOf(where));
  };
  let detected: ReturnType<typeof detectLayout>;
  try {
    detected = detectLayout(place, list.files.keys(), choice);
  } catch (cause) {
    throw unusable((cause as Error).message, stateIt, cause);
  }
  const tokenizer = choice.tokenizer === undefined ? {} : { tokenizer: await elsewhere(choice.tokenizer) };
  const own = pin(place, list);
  if (detected.layout !== 'qdrant') return { ...own, ...detected, ...tokenizer };
  const pairOf = (tower: 'vision' | 'text') => place.repo.replace(/-(vision|text)$/, `-${tower}`);
  const [vision, text] = await Promise.all(
    (['vision', 'text'] as const).map(async (tower) =>
      pairOf(tower) === place.repo ? own : await elsewhere(pairOf(tower)),
    ),
  );
  return { ...(vision ?? own), ...detected, text: text ?? own, ...tokenizer };
}

function statedBy(source: HubSource, choice: InspectChoice, known: StatedFacts): StatedFacts {
  const { family, dimensions, contextLength, logitScale, logitBias } = choice;
  const preprocess =
    known.preprocess ?? (source.layout === 'marqo' && source.weights === 'openai' ? openAi : undefined);
  return {
    family: family ?? known.family,
    dimensions: dimensions ?? known.dimensions,
    contextLength: contextLength ?? known.contextLength,
    logitScale: logitScale ?? known.logitScale,
    logitBias: logitBias ?? known.logitBias,
    ...(preprocess && { preprocess }),
  };
}

async function readFacts(
  place: RepoAt,
  files: LayoutFile[],
  stated: StatedFacts,
  options: InspectOptions,
): Promise<ModelFacts> {
  const { hub, signal } = options;
  const directory = await mkdtemp(join(tmpdir(), 'vls-inspect-'));
  try {
    const names = new Set<string>(configNames);
    const more = { ...patience, ...options, signal, onProgress: () => {}, onRetry: () => {} };
    for (const file of files.filter(({ local }) => names.has(local))) {
      const facts = await persist(more, (attempt) => hub.facts(file, attempt));
      await download(file, join(directory, file.local), facts, { ...more, hub });
    }
    return await readModelFacts(directory, stated);
  } catch (cause) {
    if (cause instanceof PullError) throw cause;
    const message = (cause as Error).message.replaceAll(`${directory}/`, '');
    // Field names do not change when messages are reworded.
    const advice = /logitScale|logitBias/.test(message)
      ? 'Give both: --logit-scale and --logit-bias. They are published with the weights.'
      : stateIt;
    throw unusable(`${place.repo} cannot be read: ${message}`, advice, cause);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const weightsIn = (lists: ReadonlyMap<string, Listing>, graph: LayoutFile): LayoutFile[] =>
  [...(lists.get(graph.repo)?.files.keys() ?? [])]
    .filter((path) => isWeightsOf(graph.path, path))
    .map((path) => weightsFile(graph, path));

const isOf = (weights: LayoutFile, source: HubSource, precision: ModelPrecision): boolean =>
  filesOf(source, precision).some(({ local }) => isGraph(local) && isWeightsOf(local, weights.local));

/**
 * An entry needs `precision` for a repository without fp32, and for SigLIP 2, whose text encoder is inaccurate in fp16.
 */
function precisionField(precisions: ModelPrecision[], { family }: ModelFacts): { precision?: object } {
  const [first = 'fp32'] = precisions;
  if (!precisions.includes('fp32')) return { precision: towersOf(first) };
  return family === 'siglip2' ? { precision: { text: 'fp32' } } : {};
}

function sumOf(lists: ReadonlyMap<string, Listing>, files: LayoutFile[]): number | undefined {
  const sizes = uniqueFiles(files).map((file) => lists.get(file.repo)?.files.get(file.path)?.bytes);
  return sizes.every((bytes) => bytes !== undefined)
    ? sizes.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0)
    : undefined;
}
