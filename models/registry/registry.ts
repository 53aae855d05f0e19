import { createAudit } from '../../shared/audit.ts';
import { called } from '../../shared/called.ts';
import { ServiceError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import {
  type ModelPrecision,
  type ModelSpec,
  type PreprocessMode,
  preprocessModes,
  preprocessVersion,
  type Recipe,
} from '../model.ts';
import {
  atOtherRevision,
  type Entries,
  isHubEntry,
  isInCatalogue,
  type ModelEntry,
  type RegistryConfig,
  readEntries,
} from './entries.ts';
import { type Execution, onCpu } from './execution.ts';
import { precisionsIn } from './folder.ts';
import { readSpec } from './spec.ts';
import { readStagedPull, type StagedPull } from './staged-pull.ts';
import type { TrafficRules } from './traffic.ts';
import { createRegistryWatch } from './watch.ts';

/** The model to which a requested name refers. */
export interface ResolvedModel {
  /**
   * The profile whose queue receives the batches of this model. For a model without a profile, the queue has the name
   * of the model.
   */
  profile: string;
  spec: ModelSpec;
}

/** The models of this installation, and the names that refer to them. */
export interface Registry {
  /** The name of the model or profile for requests that name none. */
  readonly defaultName: string;
  /** The names of all profiles, and of all models without a profile. */
  readonly profiles: readonly string[];
  /**
   * The error in the present registry files; null when they are valid. While they are invalid, the last valid content
   * remains in use.
   */
  readonly fault: string | null;
  /**
   * Returns the model that a name refers to.
   * @param nameOrNothing a profile, a model, or undefined for the default.
   * @throws {ServiceError} `model.unknown`, `model.unavailable`
   */
  resolve(nameOrNothing?: string): Promise<ResolvedModel>;
  /**
   * Returns the model with which a batch was posted. A revision that the registry no longer names can still be used
   * while its files exist.
   * @returns a description of the difference, when this process has a different model and therefore cannot evaluate the
   * batch.
   * @throws {ServiceError} `model.unavailable` when the model should exist but cannot be used.
   */
  resolvePinned(
    pinned: Omit<Recipe, 'textCleaning'> & { textCleaning?: string | undefined },
  ): Promise<ModelSpec | { difference: string }>;
  /** Returns the traffic rules for a requested name. A model that is requested by its own name gets all traffic. */
  rulesOf(nameOrNothing?: string): TrafficRules;
  /**
   * Lists all models, including those without local files. Models that only the catalogue defines and that have no
   * local files are listed only if `catalogue` is true.
   */
  list(options?: { catalogue?: boolean }): Promise<ListedModel[]>;
  /**
   * Reloads the registry when its files change, and when model files are added or removed. Calls `onChange` after each
   * reload that succeeds.
   */
  watch(log: Logger, onChange?: () => void): void;
  /** Stops watching. */
  close(): void;
}

/** A model in the registry. */
export interface ListedModel extends Pick<ModelEntry, 'model' | 'revision'> {
  profiles: string[];
  isDefault: boolean;
  /**
   * The factor by which cosines are multiplied before softmax or sigmoid. Null when neither the files nor the registry
   * entry state it.
   */
  logitScale: number | null;
  description: string | null;
  /** The source of the model's files: a repository, or a directory. */
  source: string;
  speed: ModelEntry['speed'];
  /** The command that downloads the model's files; null for a model in a folder of the user. */
  pullCommand: string | null;
  /** A running or interrupted download of this model. */
  pull: StagedPull | null;
  /** All data for loading the model, or the error that explains why its files cannot be used. */
  spec: ModelSpec | ServiceError;
}

/**
 * Loads the registry of this installation: the built-in models, the catalogue, the models added to `DATA_DIR`, and the
 * user's file (`MODELS_FILE`). The setting `MODEL` overrides the default model.
 * @throws {Error} naming the file, the entry and the field.
 */
export async function loadRegistry(config: RegistryConfig, execution: Execution = onCpu): Promise<Registry> {
  /** The entries of all registry files, including catalogue models without local files. */
  let known = await readEntries(config);
  let entries = await withoutAbsent(known);
  let fault: string | null = null;
  /** Former entries that were replaced when the registry files changed. Older batches may still need them. */
  const former = new Map<string, ModelEntry>();
  let specs = new Map<string, ModelSpec>();
  const watchers: { close(): void }[] = [];

  async function specOf(
    entry: ModelEntry,
    precision?: ModelPrecision,
    preprocess?: PreprocessMode,
  ): Promise<ModelSpec> {
    const key = [entry.model, entry.revision, precision, preprocess].join('\n');
    // A reload replaces the map `specs`. This call writes into the map with which it started, so that a result from old
    // files never gets into the new map.
    const read = specs;
    const known = read.get(key);
    if (known !== undefined) return known;
    const spec = await readSpec(entry, execution, precision);
    const asked = preprocess === undefined ? spec : { ...spec, preprocess };
    read.set(key, asked);
    return asked;
  }

  async function reload(): Promise<void> {
    const before = known;
    const read = await readEntries(config);
    entries = await withoutAbsent(read);
    known = read;
    specs = new Map();
    for (const entry of before.models.values()) {
      if (known.models.get(entry.model)?.revision !== entry.revision) former.set(atRevision(entry), entry);
    }
  }

  return {
    get defaultName() {
      return entries.defaultName;
    },
    get profiles() {
      return namesOf(entries);
    },
    get fault() {
      return fault;
    },
    async resolve(asked = entries.defaultName) {
      const entry = known.find(asked);
      if (entry === undefined) throw unknownModel(asked, entries);
      return { profile: queueOf(entries, asked, entry.model), spec: await specOf(entry) };
    },
    async resolvePinned({ model, revision, precision, preprocess, textCleaning }) {
      const current = known.models.get(model);
      const entry =
        current?.revision === revision
          ? current
          : (former.get(atRevision({ model, revision })) ?? (await onDisk(current, revision)));
      if (entry === undefined) {
        return { difference: `revision ${current?.revision ?? 'none'} of ${model} instead of ${revision}` };
      }
      const spec = await specOf(entry, precision as ModelPrecision);
      const mode = preprocessModes.find((name) => preprocessVersion(spec.image, name) === preprocess);
      if (mode === undefined) return { difference: `no preprocess ${preprocess}` };
      if (textCleaning !== undefined && textCleaning !== spec.text.version) {
        return { difference: `text cleaning ${spec.text.version} instead of ${textCleaning}` };
      }
      return mode === spec.preprocess ? spec : await specOf(entry, precision as ModelPrecision, mode);
    },
    rulesOf(asked = entries.defaultName) {
      const model = known.find(asked)?.model;
      if (model === undefined) throw unknownModel(asked, entries);
      return entries.traffic.get(asked) ?? { model, split: {} };
    },
    async list({ catalogue = false } = {}) {
      const { models, profiles, defaultName, find } = catalogue ? known : entries;
      const defaultModel = find(defaultName)?.model;
      return await Promise.all(
        [...models].map(async ([model, entry]) => {
          const spec = await specOf(entry).catch((error: ServiceError) => error);
          return {
            model,
            profiles: [...profiles].filter(([, name]) => name === model).map(([profile]) => profile),
            isDefault: defaultModel === model,
            description: entry.description ?? null,
            revision: entry.revision,
            source: entry.source.type === 'folder' ? entry.directory : entry.source.repo,
            speed: entry.speed,
            pullCommand: isHubEntry(entry) ? `${called} models pull ${model}` : null,
            pull: isHubEntry(entry) ? ((await readStagedPull(entry.directory)) ?? null) : null,
            logitScale: spec instanceof ServiceError ? (entry.logitScale ?? null) : spec.probability.scale,
            spec,
          };
        }),
      );
    },
    watch(log, onChange) {
      watchers.push(
        createRegistryWatch(
          config,
          () => known,
          async () => {
            try {
              await reload();
              fault = null;
              log.info({ profiles: namesOf(entries) }, 'models or their registry changed');
              createAudit(log)('models.reloaded', { by: 'registry_file', profiles: [...namesOf(entries)] });
              onChange?.();
            } catch (error) {
              fault = (error as Error).message;
              log.error({ reason: fault }, 'the changed registry is invalid; the previous one stays in use');
            }
          },
        ),
      );
    },
    close() {
      for (const watcher of watchers.splice(0)) watcher.close();
    },
  };
}

/**
 * Returns the entries without those catalogue models that have no local files. The models that are left out have no
 * profile and no queue, and are not listed.
 */
async function withoutAbsent(known: Entries): Promise<Entries> {
  const isServed = async (entry: ModelEntry) =>
    !isInCatalogue(entry, known) || (await precisionsIn(entry.directory)).length > 0;
  const all = [...known.models];
  const served = await Promise.all(all.map(([, entry]) => isServed(entry)));
  const models = new Map(all.filter((_, at) => served[at]));
  return { ...known, models, find: (asked) => models.get(known.profiles.get(asked) ?? asked) };
}

/**
 * Returns an entry for a revision that this registry has never had, if the files of that revision are still on disk
 * from an earlier download.
 */
async function onDisk(current: ModelEntry | undefined, revision: string): Promise<ModelEntry | undefined> {
  const entry = current && atOtherRevision(current, revision);
  return entry && (await precisionsIn(entry.directory)).length > 0 ? entry : undefined;
}

const atRevision = ({ model, revision }: { model: string; revision: string }) => `${model}@${revision}`;

function namesOf({ models, profiles }: Entries): string[] {
  const profiled = new Set(profiles.values());
  return [...profiles.keys(), ...[...models.keys()].filter((model) => !profiled.has(model))];
}

/**
 * Returns the name of the queue for a requested name. For a model that is requested by its own name, it is the first
 * profile of the model, or the name of the model if it has no profile.
 */
function queueOf({ profiles }: Entries, asked: string, model: string): string {
  if (profiles.has(asked)) return asked;
  return [...profiles].find(([, name]) => name === model)?.[0] ?? model;
}

/** Returns the error for an unknown name. Its message lists the known names. */
export function unknownModel(asked: string, { models, profiles }: Pick<Entries, 'models' | 'profiles'>): ServiceError {
  const known = [...new Set([...profiles.keys(), ...models.keys()])].join(', ');
  return new ServiceError(
    'model.unknown',
    `No profile or model is named ${asked.slice(0, 100)}; known names: ${known}`,
  );
}
