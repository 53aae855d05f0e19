import { open, stat } from 'node:fs/promises';
import { basename, dirname, join, posix } from 'node:path';
import { sizeOf } from '../files.ts';
import { FieldReader } from './field-reader.ts';

/**
 * Finds the external weights of ONNX files. An ONNX file cannot exceed 2 GB, so the graph of a larger encoder names
 * other files, in its own folder. If the graph was renamed, they are in a separate folder, because both graphs may name
 * a file `model.onnx.data`.
 */

export const isGraph = (local: string): boolean => local.endsWith('.onnx');

/** Returns the folder for the weights of a graph whose local name differs from its name in the repository. */
export const weightsFolder = (graph: string): string => `${graph.slice(0, -'.onnx'.length)}.weights`;

/** Returns true for a path in the weights folder of a graph, or with a name that exporters give to weights. */
export const isWeightsOf = (graph: string, file: string): boolean =>
  file.startsWith(`${weightsFolder(graph)}/`) ||
  (file.startsWith(graph) && /^[._]data(_\d+)?$/.test(file.slice(graph.length)));

/**
 * @param graph the path of the graph in its repository, and its local path.
 * @param name the name of the weights file, as stated in the graph.
 */
export function localOfWeights(graph: { path: string; local: string }, name: string): string {
  const isRenamed = posix.basename(graph.path) !== posix.basename(graph.local);
  return posix.join(isRenamed ? weightsFolder(graph.local) : posix.dirname(graph.local), name);
}

export async function hasWeightsFolder(graph: string): Promise<boolean> {
  const found = await stat(weightsFolder(graph)).catch(() => undefined);
  return found?.isDirectory() ?? false;
}

export const weightsFolderAt = async (graph: string): Promise<string> =>
  (await hasWeightsFolder(graph)) ? weightsFolder(graph) : dirname(graph);

/** @throws {Error} when the file is not an ONNX model, or names a path outside its folder. */
export async function weightsAt(graph: string): Promise<string[]> {
  const folder = await weightsFolderAt(graph);
  return (await weightsNamedIn(graph)).map((name) => join(folder, name));
}

/**
 * Checks that all weights files that a graph names exist.
 * @throws {Error} naming a missing file.
 */
export async function requireWeights(graph: string): Promise<void> {
  for (const path of await weightsAt(graph)) {
    if ((await sizeOf(path)) === 0) throw new Error(`${basename(graph)} needs the weights ${path}, which do not exist`);
  }
}

/** Field numbers of messages in onnx.proto. */
const fields = { graph: 7, initializer: 5, external: 13, key: 1, value: 2 } as const;

/**
 * Returns paths relative to the folder of the graph. Skips all data, so a graph of a gigabyte takes no longer than a
 * small one.
 * @throws {Error} when the file is not an ONNX model, or names a path outside its folder.
 */
export async function weightsNamedIn(graph: string): Promise<string[]> {
  await using handle = await open(graph);
  const reader = new FieldReader(handle, graph);
  const names = new Set<string>();
  for await (const model of reader.fields(0, (await handle.stat()).size)) {
    if (model.number !== fields.graph) continue;
    for await (const part of reader.fields(model.start, model.end)) {
      if (part.number !== fields.initializer) continue;
      for await (const tensor of reader.fields(part.start, part.end)) {
        if (tensor.number !== fields.external) continue;
        const said = new Map<number, string>();
        for await (const word of reader.fields(tensor.start, tensor.end)) {
          said.set(word.number, await reader.text(word.start, word.end));
        }
        if (said.get(fields.key) === 'location') names.add(said.get(fields.value) ?? '');
      }
    }
  }
  for (const name of names) {
    if (!/^(?!\/)[^\\\0]+$/.test(name) || name.split('/').includes('..')) {
      throw new Error(`${graph} names weights outside its folder: ${JSON.stringify(name)}`);
    }
  }
  return [...names];
}
