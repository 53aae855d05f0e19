import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tinyClipFolder } from '../../../testing/model-folders.ts';
import { familyFolder } from '../golden-family.ts';
import { putWeightsOutside } from './weights-outside.ts';

/** The files of a repository. */
export type Files = Record<string, Buffer>;

/** All files of a golden model but its expected values. */
export function filesIn(folder: string): Files {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'expected.json')
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1));
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name))]));
}

export const family = (name: string): Files => filesIn(familyFolder(name));
export const clipTokenizer = (folder = ''): Files =>
  Object.fromEntries(
    ['tokenizer.json', 'tokenizer_config.json'].map((name) => [
      `${folder}${name}`,
      readFileSync(join(tinyClipFolder, name)),
    ]),
  );

/** Moves the weights of every graph to a file with this ending. */
export function outside(files: Files, ending: string): Files {
  return Object.fromEntries(
    Object.entries(files).flatMap(([path, bytes]) => {
      if (!path.endsWith('.onnx')) return [[path, bytes]];
      const name = `${path.slice(path.lastIndexOf('/') + 1)}${ending}`;
      const { graph, data } = putWeightsOutside(bytes, name);
      return [
        [path, graph],
        [`${path}${ending}`, data],
      ];
    }),
  );
}

export const moved = (files: Files, from: string, to: string): Files =>
  Object.fromEntries(Object.entries(files).map(([path, bytes]) => [path.replace(from, to), bytes]));
