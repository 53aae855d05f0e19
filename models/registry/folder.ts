import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { StatedFacts } from '../families/family.ts';
import { readModelFacts } from '../families/index.ts';
import { sizeOf } from '../files.ts';
import {
  type ModelFacts,
  type ModelPrecision,
  type ModelSpec,
  precisions,
  type TowerPrecision,
  type TowerPrecisions,
  towersOf,
} from '../model.ts';
import { bothTowersFile, towerFile } from './layouts.ts';
import { precisionsOfTowers, type TowersHere } from './precision.ts';

/** A model on disk: its facts and the absolute paths of its files. */
export type ModelFolder = ModelFacts &
  Pick<ModelSpec, 'visionPath' | 'textPath' | 'tokenizerPath' | 'tokenizerConfigPath' | 'goldenPath'>;

/**
 * @param stated the facts that the registry entry states.
 * @throws {Error} naming the missing or invalid file, and the field.
 */
export async function readModelFolder(path: string, stated: StatedFacts = {}): Promise<ModelFolder> {
  const facts = await readModelFacts(path, stated);
  const { tokenizer } = facts.text;
  const goldenPath = join(path, 'golden.json');
  const towers = {
    visionPath: join(path, towerFile('vision', 'fp32')),
    textPath: join(path, towerFile('text', 'fp32')),
  };
  return {
    ...facts,
    ...((await towersIn(path, 'fp32')) ?? towers),
    tokenizerPath: join(path, tokenizer.kind === 'json' ? 'tokenizer.json' : tokenizer.file),
    tokenizerConfigPath: join(path, 'tokenizer_config.json'),
    goldenPath: await access(goldenPath).then(
      () => goldenPath,
      () => undefined,
    ),
  };
}

/** Returns the file of one encoder, or the file with both; undefined when there is neither. */
async function towerIn(directory: string, tower: keyof TowerPrecisions, precision: TowerPrecision) {
  for (const file of [towerFile(tower, precision), bothTowersFile(precision)]) {
    if ((await sizeOf(join(directory, file))) > 0) return file;
  }
  return undefined;
}

/** Returns the one or two files with both encoders; undefined when an encoder is missing. */
export async function towerFilesIn(directory: string, precision: ModelPrecision): Promise<string[] | undefined> {
  const towers = towersOf(precision);
  const vision = await towerIn(directory, 'vision', towers.vision);
  const text = await towerIn(directory, 'text', towers.text);
  return vision === undefined || text === undefined ? undefined : [...new Set([vision, text])];
}

/** Returns absolute paths; undefined when an encoder is missing. */
export async function towersIn(
  directory: string,
  precision: ModelPrecision,
): Promise<{ visionPath: string; textPath: string } | undefined> {
  const [vision, text = vision] = (await towerFilesIn(directory, precision)) ?? [];
  if (vision === undefined || text === undefined) return undefined;
  return { visionPath: join(directory, vision), textPath: join(directory, text) };
}

/** Lists the precisions in which a directory has each encoder. */
export async function towersHere(directory: string): Promise<TowersHere> {
  const isHere = await access(join(directory, 'onnx')).then(
    () => true,
    () => false,
  );
  if (!isHere) return { vision: [], text: [] };
  const of = async (tower: keyof TowerPrecisions) => {
    const found = await Promise.all(precisions.map((precision) => towerIn(directory, tower, precision)));
    return precisions.filter((_, at) => found[at] !== undefined);
  };
  const [vision, text] = await Promise.all([of('vision'), of('text')]);
  return { vision, text };
}

export const precisionsIn = async (directory: string): Promise<ModelPrecision[]> =>
  precisionsOfTowers(await towersHere(directory));
