import { posix } from 'node:path';
import type { ModelPrecision } from '../model.ts';
import type { HubEntry } from '../registry/entries.ts';
import { filesOf, type LayoutFile, optionalFilesOf, type RepoAt } from '../registry/layouts.ts';
import { isGraph, isWeightsOf, localOfWeights } from '../registry/weights.ts';
import type { Hub, Listing } from './hub.ts';
import { type Patience, persist, type Retry } from './persist.ts';
import { PullError } from './pull-error.ts';

export interface FindOptions extends Patience {
  hub: Hub;
  signal?: AbortSignal | undefined;
  onRetry(file: string, retry: Retry): void;
}

/** Removes duplicates. Of several files with the same local name, the last one remains. */
export const uniqueFiles = (files: LayoutFile[]): LayoutFile[] => [
  ...new Map(files.map((file) => [file.local, file])).values(),
];

/** @throws {PullError} when the layout of the repository does not offer a precision. */
export function requiredFiles({ model, source }: HubEntry, precisions: readonly ModelPrecision[]): LayoutFile[] {
  try {
    return uniqueFiles(precisions.flatMap((precision) => filesOf(source, precision)));
  } catch (cause) {
    throw new PullError(
      'not_found',
      `${model}: ${(cause as Error).message}`,
      'Choose another precision with --precision.',
      { cause },
    );
  }
}

/**
 * Finds further configuration and tokenizer files and external weights. Without a list of files, it asks the hub for
 * each possible file.
 * @throws {PullError} when the hub does not answer.
 */
export async function findMore(entry: HubEntry, required: LayoutFile[], options: FindOptions): Promise<LayoutFile[]> {
  const lists = new Map<string, Promise<Listing | undefined>>();
  const listOf = (place: RepoAt) => {
    const key = `${place.repo}@${place.revision}`;
    const list = lists.get(key) ?? listed(place, options);
    lists.set(key, list);
    return list;
  };
  const found: LayoutFile[] = [];
  for (const file of optionalFilesOf(entry.source)) {
    const list = await listOf(file);
    if (list === undefined ? await isThere(file, options) : list.files.has(file.path)) found.push(file);
  }
  for (const graph of required.filter(({ local }) => isGraph(local))) {
    const list = await listOf(graph);
    if (list !== undefined) {
      for (const path of list.files.keys()) if (isWeightsOf(graph.path, path)) found.push(weightsFile(graph, path));
      continue;
    }
    const paths = ['_data', '.data'].map((ending) => weightsFile(graph, `${graph.path}${ending}`));
    for (const file of paths) if (await isThere(file, options)) found.push(file);
  }
  const here = new Set(required.map(({ local }) => local));
  return uniqueFiles(found.filter(({ local }) => !here.has(local)));
}

/** Returns the file with the external weights of a graph. @param path the path of that file in the repository. */
export function weightsFile(graph: LayoutFile, path: string): LayoutFile {
  const name = posix.relative(posix.dirname(graph.path), path);
  return { repo: graph.repo, revision: graph.revision, path, local: localOfWeights(graph, name) };
}

async function listed(place: RepoAt, options: FindOptions): Promise<Listing | undefined> {
  const onRetry = (retry: Retry) => options.onRetry(`the list of files of ${place.repo}`, retry);
  try {
    return await persist({ ...options, onRetry }, (signal) => options.hub.list(place, signal));
  } catch (error) {
    // Some mirrors serve files but no lists of files.
    if (error instanceof PullError && ['not_found', 'unauthorized', 'gated', 'intercepted'].includes(error.code)) {
      return undefined;
    }
    throw error;
  }
}

async function isThere(file: LayoutFile, options: FindOptions): Promise<boolean> {
  const onRetry = (retry: Retry) => options.onRetry(file.local, retry);
  try {
    await persist({ ...options, onRetry }, (signal) => options.hub.facts(file, signal));
    return true;
  } catch (error) {
    if (error instanceof PullError && ['not_found', 'offline'].includes(error.code)) return false;
    throw error;
  }
}
