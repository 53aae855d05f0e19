import { createHash } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ServiceError } from '../shared/errors.ts';
import type { ItemFile, ReadOptions } from './format.ts';
import type { ReadItem } from './items.ts';
import { placeOf } from './tar/place.ts';
import { itemOf, maxSampleBytes, type Sample } from './tar/sample.ts';

/** The files with the same key, named relative to the folder. */
interface Files {
  key: string;
  images: string[];
  txt?: string;
  json?: string;
}

const portion = 64;

/**
 * Reads the images of a folder and its subfolders, not following links. The caption of `a.jpg` is in `a.txt` or
 * `a.json`. Image paths are relative to the folder.
 */
export const readFolder = (folder: string, options: ReadOptions): ItemFile => ({
  items: itemsOfFolder(folder, options),
  header: () => undefined,
});

/** @throws {ServiceError} `batch.empty` when there is no image. */
async function* itemsOfFolder(folder: string, options: ReadOptions): AsyncGenerator<ReadItem[]> {
  let isEmpty = true;
  let items: ReadItem[] = [];
  for await (const files of samplesIn(folder, '')) {
    isEmpty = false;
    items.push(itemOf(await sampleOf(folder, files), options));
    if (items.length < portion) continue;
    yield items;
    items = [];
  }
  if (isEmpty) {
    const message = `No images found in ${folder}. Put each caption next to its image under the same name: for example, a.txt or a.json for a.jpg`;
    throw new ServiceError('batch.empty', message);
  }
  yield items;
}

/**
 * Returns the hexadecimal SHA-256 of the names, sizes and modification times of the files that {@link readFolder}
 * reads.
 */
export async function hashFolder(folder: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const { images, txt, json } of samplesIn(folder, '')) {
    for (const name of [...images, txt, json]) {
      if (name === undefined) continue;
      const { size, mtimeMs } = await stat(join(folder, name));
      hash.update(JSON.stringify([name, size, mtimeMs]));
    }
  }
  return hash.digest('hex');
}

/** Yields the files of each key that has an image, by name. Files of a folder precede those of its subfolders. */
async function* samplesIn(folder: string, inside: string): AsyncGenerator<Files> {
  const entries = await readdir(join(folder, inside), { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  let open: Files | undefined;
  for (const entry of entries.filter((each) => each.isFile() && !each.name.startsWith('.'))) {
    const name = inside + entry.name;
    const place = placeOf(name);
    if (place?.part === undefined) continue;
    if (place.key !== open?.key) {
      if (open !== undefined && open.images.length > 0) yield open;
      open = { key: place.key, images: [] };
    }
    if (place.part === 'image') open.images.push(name);
    else open[place.part] = name;
  }
  if (open !== undefined && open.images.length > 0) yield open;
  const isRead = (each: Dirent) => each.isDirectory() && !each.name.startsWith('.');
  for (const entry of entries.filter(isRead)) yield* samplesIn(folder, `${inside}${entry.name}/`);
}

async function sampleOf(folder: string, { key, images, txt, json }: Files): Promise<Sample> {
  const [name = '', second] = images;
  if (second !== undefined)
    return { key, fault: { message: `has two images, ${name} and ${second}; a sample has one image` } };
  const sample: Sample = { key, image: { name } };
  for (const [part, file] of [
    ['txt', txt],
    ['json', json],
  ] as const) {
    if (file === undefined) continue;
    const path = join(folder, file);
    if ((await stat(path)).size > maxSampleBytes) {
      return { key, fault: { message: `has more than ${maxSampleBytes} bytes`, code: 'item.too_large' } };
    }
    sample[part] = await readFile(path);
  }
  return sample;
}
