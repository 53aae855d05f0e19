import { createAudit } from '../../shared/audit.ts';
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

/** A model resolved from a requested name. */
export interface ResolvedModel {
  /** The profile whose queue contains the batches of this model, or the model's own name if it has no profile. */
  profile: string;
  spec: ModelSpec;
}

/** The models of this installation and the names that resolve to them. */
export interface Registry {
  /** The name that a request without a model uses. */
  readonly defaultName: string;
  /** Each profile, and each model without a profile. */
  readonly profiles: readonly string[];
  /**
   * The error in the current registry files; null when they are valid. While there is an error, the last valid content
   * is used.
   */
  readonly fault: string | null;
  /**
   * @param nameOrNothing a profile, a model, or undefined for the default.
   * @throws {ServiceError} `model.unknown`, `model.unavailable`
   */
  resolve(nameOrNothing?: string): Promise<ResolvedModel>;
  /**
   * Resolves the model of a batch. A revision that the registry no longer names can still be used while its files
   * exist.
   * @returns a description of the difference, when this process has another model and cannot evaluate the batch.
   * @throws {ServiceError} `model.unavailable` when the model should exist but cannot be used.
   */
  resolvePinned(
    pinned: Omit<Recipe, 'textCleaning'> & { textCleaning?: string | undefined },
  ): Promise<ModelSpec | { difference: string }>;
  /** Returns the traffic rules of a profile. A model requested by its own name gets all the traffic. */
  rulesOf(nameOrNothing?: string): TrafficRules;
  /**
   * Lists all models, with or without local files. Catalogue models without local files are included only on request.
   */
  list(options?: { catalogue?: boolean }): Promise<ListedModel[]>;
  /** Reloads the registry when its files change, or model files are added or removed. Calls `onChange` afterwards. */
  watch(log: Logger, onChange?: () => void): void;
  /** Stops watching. */
  close(): void;
}

/** A model in the registry. */
export interface ListedModel extends Pick<ModelEntry, 'model' | 'revision'> {
  profiles: string[];
  isDefault: boolean;
  /** Factor of cosines before softmax or sigmoid; null when neither files nor entry state it. */
  logitScale: number | null;
  description: string | null;
  /** The source of its files. */
  source: string;
  speed: ModelEntry['speed'];
  /** The command that downloads its files; null for a folder. */
  pullCommand: string | null;
  /** A running or interrupted pull of this model. */
  pull: StagedPull | null;
  /** The facts from its files, or the error that makes them unusable. */
  spec: ModelSpec | ServiceError;
}

/**
 * Loads the registry of this installation: built in, added to `DATA_DIR`, overlay (`MODELS_FILE`), default (`MODEL`).
 * @throws {Error} naming file, entry and field.
 */
export async function loadRegistry(config: RegistryConfig, execution: Execution = onCpu): Promise<Registry> {
  /** The entries of all registry files, the whole catalogue included. */
  let known = await readEntries(config);
  let entries = await withoutAbsent(known);
  let fault: string | null = null;
  /** Entries that a change of the files has replaced. Batches may still need them. */
  const former = new Map<string, ModelEntry>();
  let specs = new Map<string, ModelSpec>();
  const watchers: { close(): void }[] = [];

  async function specOf(
    entry: ModelEntry,
    precision?: ModelPrecision,
    preprocess?: PreprocessMode,
  ): Promise<ModelSpec> {
    const key = [entry.model, entry.revision, precision, preprocess].join('\n');
    // A new map for each content of the files: a result that arrives after a reload must not be stored in the new map.
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
            pullCommand: isHubEntry(entry) ? `npx vls models pull ${model}` : null,
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

/** Removes catalogue models without local files, so that they have no profile and no queue, and are not listed. */
async function withoutAbsent(known: Entries): Promise<Entries> {
  const isServed = async (entry: ModelEntry) =>
    !isInCatalogue(entry, known) || (await precisionsIn(entry.directory)).length > 0;
  const all = [...known.models];
  const served = await Promise.all(all.map(([, entry]) => isServed(entry)));
  const models = new Map(all.filter((_, at) => served[at]));
  return { ...known, models, find: (asked) => models.get(known.profiles.get(asked) ?? asked) };
}

/** Returns a revision that was never in this registry but that a pull has left on disk. */
async function onDisk(current: ModelEntry | undefined, revision: string): Promise<ModelEntry | undefined> {
  const entry = current && atOtherRevision(current, revision);
  return entry && (await precisionsIn(entry.directory)).length > 0 ? entry : undefined;
}

const atRevision = ({ model, revision }: { model: string; revision: string }) => `${model}@${revision}`;

function namesOf({ models, profiles }: Entries): string[] {
  const profiled = new Set(profiles.values());
  return [...profiles.keys(), ...[...models.keys()].filter((model) => !profiled.has(model))];
}

/** Returns the first profile of a model that was requested by its own name. */
function queueOf({ profiles }: Entries, asked: string, model: string): string {
  if (profiles.has(asked)) return asked;
  return [...profiles].find(([, name]) => name === model)?.[0] ?? model;
}

/** The error for an unknown name. Its message lists the known names. */
export function unknownModel(asked: string, { models, profiles }: Pick<Entries, 'models' | 'profiles'>): ServiceError {
  const known = [...new Set([...profiles.keys(), ...models.keys()])].join(', ');
  return new ServiceError(
    'model.unknown',
    `No profile or model is named ${asked.slice(0, 100)}; known names: ${known}`,
  );
}
