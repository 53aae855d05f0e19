import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { z } from 'zod';
import { takeLock } from '../../shared/file-lock.ts';
import { inOurWords } from '../../shared/validation-words.ts';
import { digestOf, sizeOf, writeJson } from '../files.ts';
import { type FamilyName, type ModelPrecision, towersOf } from '../model.ts';
import { addedFile, modelEntry, modelName, type RegistryConfig, readEntries } from './entries.ts';
import { precisionsIn, readModelFolder, towerFilesIn } from './folder.ts';
import { bothTowersFile, towerFile } from './layouts.ts';
import { modelsOf, profileEntry } from './traffic.ts';
import { requireWeights, weightsAt } from './weights.ts';

export interface AddedModel {
  model: string;
  /** A profile to create that refers to the model. */
  profile?: string | undefined;
  description?: string | undefined;
  logitScale?: number | undefined;
  /** Needed if the family cannot be detected from the files of the model. */
  family?: FamilyName | undefined;
  /** Only for families whose probability is a sigmoid. */
  logitBias?: number | undefined;
}

/** Fields that the schema does not contain are written back unchanged. */
const openFile = z.looseObject({
  profiles: z.record(z.string(), z.unknown()).default({}),
  models: z.record(z.string(), z.unknown()).default({}),
});

/**
 * Adds a model folder to the registry file in `DATA_DIR`, with hashes. The folder is not moved.
 * @returns the precisions in the folder, the default first: fp32 if the folder has it.
 * @throws {Error} when the folder is not a model, or when the name is invalid or already used.
 */
export async function addFolder(config: RegistryConfig, folder: string, as: AddedModel): Promise<ModelPrecision[]> {
  const path = resolve(folder);
  requireNames(as);
  await readModelFolder(path, as);
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
    if ((await sizeOf(join(path, name))) === 0) throw new Error(`${join(path, name)} is missing or empty`);
  }
  const files: Record<string, { sha256: string; bytes: number }> = {};
  const identity = createHash('sha256');
  const found = await precisionsIn(path);
  for (const precision of found) {
    const towers = await towerFilesIn(path, precision);
    if (towers === undefined) continue;
    for (const tower of towers) await requireWeights(join(path, tower));
    const weights = await Promise.all(towers.map((tower) => weightsAt(join(path, tower))));
    for (const file of [...towers.map((tower) => join(path, tower)), ...new Set(weights.flat())]) {
      const { sha256, bytes } = await digestOf(file, await sizeOf(file));
      files[relative(path, file).replaceAll(sep, '/')] = { sha256, bytes };
      identity.update(sha256);
    }
  }
  const [precision] = found;
  if (precision === undefined) {
    throw new Error(
      `${path} has neither ${towerFile('vision', 'fp32')} and ${towerFile('text', 'fp32')}, nor ${bothTowersFile('fp32')}`,
    );
  }

  await write(config, as, {
    ...(as.description !== undefined && { description: as.description }),
    source: { type: 'folder', path },
    // A hash of the files, so that embeddings and batches never mix results of old and new weights.
    revision: identity.digest('hex').slice(0, 12),
    ...(precision !== 'fp32' && { precision: towersOf(precision) }),
    ...(as.family !== undefined && { family: as.family }),
    ...(as.logitScale !== undefined && { logitScale: as.logitScale }),
    ...(as.logitBias !== undefined && { logitBias: as.logitBias }),
    files,
  });
  return found;
}

/**
 * Adds an entry for a hub model to the registry file in `DATA_DIR`. No files are downloaded.
 * @throws {Error} when the entry is invalid, or when the name is invalid or already used.
 */
export async function addEntry(config: RegistryConfig, entry: object, as: AddedModel): Promise<void> {
  requireNames(as);
  const parsed = modelEntry.safeParse(entry, { error: inOurWords });
  if (!parsed.success) throw new Error(`The entry would be invalid:\n${z.prettifyError(parsed.error)}`);
  await write(config, as, entry);
}

function requireNames({ model, profile }: AddedModel): void {
  for (const name of [model, ...(profile === undefined ? [] : [profile])]) {
    const parsed = modelName.safeParse(name, { error: inOurWords });
    if (!parsed.success) throw new Error(`${JSON.stringify(name)} cannot be a name: ${z.prettifyError(parsed.error)}`);
  }
}

async function write(config: RegistryConfig, { model, profile }: AddedModel, entry: object): Promise<void> {
  await change(config.dataDir, async (content) => {
    const known = (await readEntries(config)).models.get(model);
    if (known !== undefined && known.definedIn !== addedFile(config.dataDir)) {
      throw new Error(`The model ${model} already exists in ${known.definedIn}: choose another name`);
    }
    content.models[model] = entry;
    if (profile !== undefined) content.profiles[profile] = model;
  });
}

/**
 * Removes a model from the registry file in `DATA_DIR`, with the profiles that name only this model. Its folder stays.
 * @throws {Error} when the traffic rules of a profile name this model.
 */
export async function removeAdded(dataDir: string, model: string): Promise<void> {
  await change(dataDir, async (content) => {
    delete content.models[model];
    for (const [profile, entry] of Object.entries(content.profiles)) {
      if (entry === model) delete content.profiles[profile];
      else if (typeof entry === 'object' && modelsOf(profileEntry.parse(entry)).includes(model)) {
        throw new Error(
          `The profile ${profile} sends a part of its traffic to ${model}: first remove the model from the rules of the profile`,
        );
      }
    }
  });
}

async function change(dataDir: string, edit: (content: z.output<typeof openFile>) => Promise<void>): Promise<void> {
  const file = addedFile(dataDir);
  await mkdir(dirname(file), { recursive: true });
  const release = await takeLock(join(dataDir, 'models', '.locks', 'registry'), () => {});
  try {
    const content = openFile.parse(await readJsonOrNothing(file));
    await edit(content);
    await writeJson(file, content);
  } finally {
    release();
  }
}

async function readJsonOrNothing(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}
