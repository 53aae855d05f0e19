import { access, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Config } from '../shared/config.ts';
import { ServiceError } from '../shared/errors.ts';
import { readModelFolder } from './folder.ts';
import type { ModelSpec } from './model.ts';

const count = z.int().min(1);

const modelEntry = z.strictObject({
  description: z.string().optional(),
  source: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('folder'), path: z.string().min(1) }),
    z.strictObject({ type: z.literal('huggingface'), repo: z.string().min(1), layout: z.string().min(1) }),
  ]),
  revision: z.string().min(1).default('local'),
  dimensions: count.optional(),
  logitScale: z.number().positive().default(100),
  memoryBytes: count.default(1_000_000_000),
  microBatch: z.strictObject({ images: count, texts: count }).default({ images: 8, texts: 16 }),
  files: z
    .record(z.string(), z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/), bytes: count.optional() }))
    .default({}),
});
type ModelEntry = z.output<typeof modelEntry>;

const name = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/i, 'a name has letters, digits, dots, - and _ alone');

const registryFile = z.strictObject({
  profiles: z.record(name, z.string()).default({}),
  default: z.string().optional(),
  models: z.record(name, modelEntry).default({}),
});

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
   * @throws {ServiceError} `model.unknown`, `model.unavailable`
   */
  resolve(nameOrNothing?: string): Promise<ResolvedModel>;
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

const builtIn = fileURLToPath(new URL('./models.json', import.meta.url));

/**
 * Reads the built-in registry and merges the overlay (`MODELS_FILE`) over it, entry by entry.
 * @throws {Error} naming file, entry and field.
 */
export async function loadRegistry(config: Pick<Config, 'dataDir' | 'modelsFile' | 'model'>): Promise<Registry> {
  const profiles = new Map<string, string>();
  const models = new Map<string, ModelEntry & { directory: string }>();
  let defaultName = 'compact';
  for (const file of [builtIn, ...(config.modelsFile ? [config.modelsFile] : [])]) {
    const parsed = await readRegistryFile(file);
    for (const [profile, model] of Object.entries(parsed.profiles)) profiles.set(profile, model);
    for (const [model, entry] of Object.entries(parsed.models)) {
      models.set(model, { ...entry, directory: directoryOf(model, entry, file, config.dataDir) });
    }
    defaultName = parsed.default ?? defaultName;
  }
  defaultName = config.model ?? defaultName;

  const modelOf = (asked: string): string | undefined => {
    const model = profiles.get(asked) ?? asked;
    return models.has(model) ? model : undefined;
  };
  for (const [profile, model] of profiles) {
    if (!models.has(model)) throw new Error(`Profile ${profile} names the model ${model}, which no registry file has`);
  }
  if (modelOf(defaultName) === undefined) throw new Error(`The default model ${defaultName} is in no registry file`);

  const profiled = new Set(profiles.values());
  const queueOf = new Map([...profiles].reverse().map(([profile, model]) => [model, profile]));
  async function list(): Promise<ListedModel[]> {
    return await Promise.all(
      [...models].map(async ([model, entry]) => ({
        model,
        profiles: [...profiles].filter(([, name]) => name === model).map(([profile]) => profile),
        isDefault: modelOf(defaultName) === model,
        description: entry.description ?? null,
        revision: entry.revision,
        source: entry.source.type === 'folder' ? entry.directory : entry.source.repo,
        logitScale: entry.logitScale,
        spec: await readSpec(model, entry).catch((error: ServiceError) => error),
      })),
    );
  }

  return {
    list,
    defaultName,
    profiles: [...profiles.keys(), ...[...models.keys()].filter((model) => !profiled.has(model))],
    async resolve(asked = defaultName) {
      const model = modelOf(asked);
      const entry = model === undefined ? undefined : models.get(model);
      if (model === undefined || entry === undefined) {
        const known = [...new Set([...profiles.keys(), ...models.keys()])].join(', ');
        throw new ServiceError(
          'model.unknown',
          `No profile or model is named ${asked.slice(0, 100)}; there are ${known}`,
        );
      }
      return {
        profile: profiles.has(asked) ? asked : (queueOf.get(model) ?? model),
        spec: await readSpec(model, entry),
      };
    },
  };
}

async function readRegistryFile(file: string): Promise<z.output<typeof registryFile>> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new Error(`The registry file ${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
  const parsed = registryFile.safeParse(json);
  if (!parsed.success) throw new Error(`The registry file ${file} is wrong:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

function directoryOf(model: string, entry: ModelEntry, file: string, dataDir: string): string {
  if (entry.source.type === 'folder') return resolve(dirname(file), entry.source.path);
  return join(dataDir, 'models', model, entry.revision);
}

async function readSpec(model: string, entry: ModelEntry & { directory: string }): Promise<ModelSpec> {
  try {
    const folder = await readModelFolder(entry.directory);
    await Promise.all([folder.visionPath, folder.textPath, folder.tokenizerPath].map((path) => access(path)));
    return {
      model,
      revision: entry.revision,
      precision: 'fp32',
      provider: 'cpu',
      logitScale: entry.logitScale,
      microBatch: entry.microBatch,
      memoryBytes: entry.memoryBytes,
      ...folder,
    };
  } catch (cause) {
    const absent = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const message = absent
      ? `The files of ${model} are not in ${entry.directory}`
      : `The files of ${model} cannot be used: ${(cause as Error).message}`;
    throw new ServiceError('model.unavailable', message, { cause });
  }
}
