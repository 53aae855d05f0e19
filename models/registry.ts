import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { ServiceError } from '../shared/errors.ts';
import { type Entries, isHubEntry, type ModelEntry, type RegistryConfig, readEntries } from './entries.ts';
import { readModelFolder } from './folder.ts';
import { towerFile } from './layouts.ts';
import type { ModelSpec, Precision } from './model.ts';

/** A name that users ask for, resolved. */
export interface ResolvedModel {
  /** The profile whose queue carries batches of this model, or the model's own name when no profile has it. */
  profile: string;
  spec: ModelSpec;
}

/** The models this installation knows, and the names that lead to them. */
export interface Registry {
  /** Name used when a request gives none. */
  readonly defaultName: string;
  /** Every profile, and every model that no profile names. */
  readonly profiles: readonly string[];
  /**
   * @param nameOrNothing a profile, a model name, or nothing for the default.
   * @param precision picks the files; without it the entry's own, which is fp32 unless it says otherwise.
   * @throws {ServiceError} `model.unknown`, `model.unavailable`
   */
  resolve(nameOrNothing?: string, precision?: Precision): Promise<ResolvedModel>;
  /** Every model, whether its files are here or not. */
  list(): Promise<ListedModel[]>;
}

/** A model as the registry knows it. */
export interface ListedModel {
  model: string;
  profiles: string[];
  isDefault: boolean;
  description: string | null;
  revision: string;
  /** Where its files come from. */
  source: string;
  logitScale: number;
  /** What is known from its files; or why they cannot be used. */
  spec: ModelSpec | ServiceError;
}

/**
 * The registry of this installation: built in, added to `DATA_DIR`, overlay (`MODELS_FILE`), default (`MODEL`).
 * @throws {Error} naming file, entry and field.
 */
export async function loadRegistry(config: RegistryConfig): Promise<Registry> {
  const { models, profiles, defaultName, find } = await readEntries(config);
  const defaultModel = find(defaultName)?.model;
  const profiled = new Set(profiles.values());
  const queueOf = new Map([...profiles].reverse().map(([profile, model]) => [model, profile]));
  async function list(): Promise<ListedModel[]> {
    return await Promise.all(
      [...models].map(async ([model, entry]) => ({
        model,
        profiles: [...profiles].filter(([, name]) => name === model).map(([profile]) => profile),
        isDefault: defaultModel === model,
        description: entry.description ?? null,
        revision: entry.revision,
        source: entry.source.type === 'folder' ? entry.directory : entry.source.repo,
        logitScale: entry.logitScale,
        spec: await readSpec(entry).catch((error: ServiceError) => error),
      })),
    );
  }

  return {
    list,
    defaultName,
    profiles: [...profiles.keys(), ...[...models.keys()].filter((model) => !profiled.has(model))],
    async resolve(asked = defaultName, precision) {
      const entry = find(asked);
      if (entry === undefined) throw unknownModel(asked, { models, profiles });
      const { model } = entry;
      return {
        profile: profiles.has(asked) ? asked : (queueOf.get(model) ?? model),
        spec: await readSpec(entry, precision),
      };
    },
  };
}

/** The failure of a name that leads nowhere, with the names that lead somewhere. */
export function unknownModel(asked: string, { models, profiles }: Pick<Entries, 'models' | 'profiles'>): ServiceError {
  const known = [...new Set([...profiles.keys(), ...models.keys()])].join(', ');
  return new ServiceError('model.unknown', `No profile or model is named ${asked.slice(0, 100)}; there are ${known}`);
}

async function readSpec(entry: ModelEntry, precision: Precision = entry.precision): Promise<ModelSpec> {
  const { model } = entry;
  try {
    const folder = {
      ...(await readModelFolder(entry.directory)),
      visionPath: join(entry.directory, towerFile('vision', precision)),
      textPath: join(entry.directory, towerFile('text', precision)),
    };
    await Promise.all([folder.visionPath, folder.textPath, folder.tokenizerPath].map((path) => access(path)));
    return {
      model,
      revision: entry.revision,
      precision,
      provider: 'cpu',
      logitScale: entry.logitScale,
      microBatch: entry.microBatch,
      memoryBytes: entry.memoryBytes,
      ...folder,
    };
  } catch (cause) {
    const absent = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const remedy = isHubEntry(entry) ? `; \`npx vls models pull ${model}\` fetches them` : '';
    const message = absent
      ? `The files of ${model} (${precision}) are not in ${entry.directory}${remedy}`
      : `The files of ${model} cannot be used: ${(cause as Error).message}`;
    throw new ServiceError('model.unavailable', message, { cause });
  }
}
