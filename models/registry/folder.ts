import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { StatedFacts } from '../families/family.ts';
import { readModelFacts } from '../families/index.ts';
import { sizeOf } from '../files.ts';
import type { ModelFacts, ModelSpec, Precision } from '../model.ts';
import { bothTowersFile, precisions, towerFile } from './layouts.ts';

/** A model on disk: its facts, and absolute paths of its files. */
export type ModelFolder = ModelFacts &
  Pick<ModelSpec, 'visionPath' | 'textPath' | 'tokenizerPath' | 'tokenizerConfigPath' | 'goldenPath'>;

/**
 * Reads a model folder.
 * @param stated what the registry entry says.
 * @throws {Error} naming the file that is absent or wrong, and the field.
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

/** The files with both towers in a directory at a precision: two files or one. Undefined where they are not there. */
export async function towerFilesIn(directory: string, precision: Precision): Promise<string[] | undefined> {
  const isHere = async (file: string) => (await sizeOf(join(directory, file))) > 0;
  const pair = [towerFile('vision', precision), towerFile('text', precision)];
  if ((await Promise.all(pair.map(isHere))).every(Boolean)) return pair;
  const both = bothTowersFile(precision);
  return (await isHere(both)) ? [both] : undefined;
}

/** The same as paths of each tower. */
export async function towersIn(
  directory: string,
  precision: Precision,
): Promise<{ visionPath: string; textPath: string } | undefined> {
  const [vision, text = vision] = (await towerFilesIn(directory, precision)) ?? [];
  if (vision === undefined || text === undefined) return undefined;
  return { visionPath: join(directory, vision), textPath: join(directory, text) };
}

/** The precisions of which a model's directory has both towers. */
export async function precisionsIn(directory: string): Promise<Precision[]> {
  const found = await Promise.all(precisions.map((precision) => towerFilesIn(directory, precision)));
  return precisions.filter((_, at) => found[at] !== undefined);
}
