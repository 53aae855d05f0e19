import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { StatedFacts } from '../families/family.ts';
import { readModelFacts } from '../families/index.ts';
import { sizeOf } from '../files.ts';
import type { ModelFacts, ModelSpec, Precision } from '../model.ts';
import { precisions, towerFile } from './layouts.ts';

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
  return {
    ...facts,
    visionPath: join(path, towerFile('vision', 'fp32')),
    textPath: join(path, towerFile('text', 'fp32')),
    tokenizerPath: join(path, tokenizer.kind === 'json' ? 'tokenizer.json' : tokenizer.file),
    tokenizerConfigPath: join(path, 'tokenizer_config.json'),
    goldenPath: await access(goldenPath).then(
      () => goldenPath,
      () => undefined,
    ),
  };
}

/** The precisions of which a model's directory has both towers. */
export async function precisionsIn(directory: string): Promise<Precision[]> {
  const sizes = await Promise.all(
    precisions.map((precision) =>
      Promise.all((['vision', 'text'] as const).map((tower) => sizeOf(join(directory, towerFile(tower, precision))))),
    ),
  );
  return precisions.filter((_, at) => sizes[at]?.every((size) => size > 0));
}
