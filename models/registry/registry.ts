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
  adviceOnName,
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

export interface ResolvedModel {
  /** The profile whose queue receives the batches of this model; the model's own name if it has no profile. */
  profile: string;
  spec: ModelSpec;
}

export interface Registry {
  /** The model or profile of requests that name none. */
  readonly defaultName: string;
  /** The names of all profiles, and of all models without a profile. */
  readonly profiles: readonly string[];
  /** Null when the present registry files are valid. Otherwise the last valid content remains in use. */
  readonly fault: string | null;
  /**
   * Returns the model that a name refers to.
   * @param nameOrNothing a profile, a model, or undefined for the default.
   * @throws {ServiceError} `model.unknown`, `model.unavailable`
   */
  resolve(nameOrNothing?: string): Promise<ResolvedModel>;
  /**
   * Returns the model with which a batch was posted, even of a revision that the registry no longer names.
   * @returns a description of the difference, when this process has a different model and cannot evaluate the batch.
   * @throws {ServiceError} `model.unavailable` when the model should exist but cannot be used.
   */
  resolvePinned(
    pinned: Omit<Recipe, 'textCleaning'> & { textCleaning?: string | undefined },
  ): Promise<ModelSpec | { difference: string }>;
  /** A model that is requested by its own name gets all traffic. */
  rulesOf(nameOrNothing?: string): TrafficRules;
  /**
   * Lists all models. With `catalogue`, includes those that only the catalogue defines and that have no local files.
   */
  list(options?: { catalogue?: boolean }): Promise<ListedModel[]>;
  /** Reloads the registry when its files or the model files change. */
  watch(log: Logger, onChange?: () => void): void;
  close(): void;
}

export interface ListedModel extends Pick<ModelEntry, 'model' | 'revision'> {
  profiles: string[];
  isDefault: boolean;
  /** The factor of cosines before softmax or sigmoid. Null when neither the files nor the registry entry state it. */
  logitScale: number | null;
  description: string | null;
  /** A repository, or a directory. */
  source: string;
  speed: ModelEntry['speed'];
  /** The command that downloads the model's files; null for a model in a folder of the user. */
  pullCommand: string | null;
  pull: StagedPull | null;
  /** The error explains why the model's files cannot be used. */
  spec: ModelSpec | ServiceError;
}

/**
 * The setting `MODEL` overrides the default model.
 * @throws {Error} naming the file, the entry and the field.
 */
export async function loadRegistry(config: RegistryConfig, execution: Execution = onCpu): Promise<Registry> {
  /** Includes catalogue models without local files. */
  let known = await readEntries(config);
  let entries = await withoutAbsent(known);
  let fault: string | null = null;
  /** Entries that a reload replaced. Older batches may still need them. */
  const former = new Map<string, ModelEntry>();
  let specs = new Map<string, ModelSpec>();
  const watchers: { close(): void }[] = [];

  async function specOf(
    entry: ModelEntry,
    precision?: ModelPrecision,
    preprocess?: PreprocessMode,
  ): Promise<ModelSpec> {
    const key = [entry.model, entry.revision, precision, preprocess].join('\n');
    // A reload replaces the map `specs`. A result from old files goes into the old map.
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
            pullCommand: entry.pullCommand,
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

/** Omits the catalogue models that have no local files. They get no profile and no queue. */
async function withoutAbsent(known: Entries): Promise<Entries> {
  const isServed = async (entry: ModelEntry) =>
    !isInCatalogue(entry, known) || (await precisionsIn(entry.directory)).length > 0;
  const all = [...known.models];
  const served = await Promise.all(all.map(([, entry]) => isServed(entry)));
  const models = new Map(all.filter((_, at) => served[at]));
  return { ...known, models, find: (asked) => models.get(known.profiles.get(asked) ?? asked) };
}

/** Returns an entry for a revision that the registry never had but whose files are still on disk. */
async function onDisk(current: ModelEntry | undefined, revision: string): Promise<ModelEntry | undefined> {
  const entry = current && atOtherRevision(current, revision);
  return entry && (await precisionsIn(entry.directory)).length > 0 ? entry : undefined;
}

const atRevision = ({ model, revision }: { model: string; revision: string }) => `${model}@${revision}`;

function namesOf({ models, profiles }: Entries): string[] {
  const profiled = new Set(profiles.values());
  return [...profiles.keys(), ...[...models.keys()].filter((model) => !profiled.has(model))];
}

/** For a model name, returns the model's first profile, or the name itself without a profile. */
function queueOf({ profiles }: Entries, asked: string, model: string): string {
  if (profiles.has(asked)) return asked;
  return [...profiles].find(([, name]) => name === model)?.[0] ?? model;
}

export function unknownModel(asked: string, entries: Pick<Entries, 'models' | 'profiles'>): ServiceError {
  return new ServiceError(
    'model.unknown',
    `No profile or model is named ${asked.slice(0, 100)}${adviceOnName(asked, entries)}`,
  );
}
