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
  /** What is wrong with the registry files since they changed; what was read before is in use meanwhile. */
  readonly fault: string | null;
  /**
   * @param nameOrNothing a profile, a model name, or nothing for the default.
   * @throws {ServiceError} `model.unknown`, `model.unavailable`
   */
  resolve(nameOrNothing?: string): Promise<ResolvedModel>;
  /**
   * The model a batch was posted for: also at a revision that the registry has since moved on from, as long as its
   * files are here.
   * @returns what this process has instead, in words, when it cannot evaluate that batch.
   * @throws {ServiceError} `model.unavailable` when it should be here and cannot be used.
   */
  resolvePinned(
    pinned: Omit<Recipe, 'textCleaning'> & { textCleaning?: string | undefined },
  ): Promise<ModelSpec | { difference: string }>;
  /** How the traffic of a profile is shared; of a model asked for by its own name, that it has all of it. */
  rulesOf(nameOrNothing?: string): TrafficRules;
  /** Every model, whether its files are here or not. Those of the catalogue that are absent only where they are asked for. */
  list(options?: { catalogue?: boolean }): Promise<ListedModel[]>;
  /** Reads the registry files again whenever they change, or model files come and go; tells `onChange` afterwards. */
  watch(log: Logger, onChange?: () => void): void;
  /** Ends the watching. */
  close(): void;
}

/** A model as the registry knows it. */
export interface ListedModel extends Pick<ModelEntry, 'model' | 'revision'> {
  profiles: string[];
  isDefault: boolean;
  /** Factor of a cosine before softmax or sigmoid; null where neither files nor entry state it. */
  logitScale: number | null;
  description: string | null;
  /** Where its files come from. */
  source: string;
  speed: ModelEntry['speed'];
  /** The command that fetches its files, where a hub has them; null for a folder. */
  pullCommand: string | null;
  /** A pull of it that runs, or was interrupted. */
  pull: StagedPull | null;
  /** What is known from its files; or why they cannot be used. */
  spec: ModelSpec | ServiceError;
}

/**
 * The registry of this installation: built in, added to `DATA_DIR`, overlay (`MODELS_FILE`), default (`MODEL`).
 * @throws {Error} naming file, entry and field.
 */
export async function loadRegistry(config: RegistryConfig, execution: Execution = onCpu): Promise<Registry> {
  /** With the whole catalogue. */
  let known = await readEntries(config);
  let entries = await withoutAbsent(known);
  let fault: string | null = null;
  /** Entries that a change of the files has replaced: batches may still be pinned to them. */
  const former = new Map<string, ModelEntry>();
  let specs = new Map<string, ModelSpec>();
  const watchers: { close(): void }[] = [];

  async function specOf(
    entry: ModelEntry,
    precision?: ModelPrecision,
    preprocess?: PreprocessMode,
  ): Promise<ModelSpec> {
    const key = [entry.model, entry.revision, precision, preprocess].join('\n');
    // Those of the entries that are asked now: what is read while they are replaced must not stay.
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
              log.error({ reason: fault }, 'the registry changed and cannot be used; the former one stays');
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

/** What a service has: the absent models of the catalogue are not among its profiles, queues and listed models. */
async function withoutAbsent(known: Entries): Promise<Entries> {
  const isServed = async (entry: ModelEntry) =>
    !isInCatalogue(entry, known) || (await precisionsIn(entry.directory)).length > 0;
  const all = [...known.models];
  const served = await Promise.all(all.map(([, entry]) => isServed(entry)));
  const models = new Map(all.filter((_, at) => served[at]));
  return { ...known, models, find: (asked) => models.get(known.profiles.get(asked) ?? asked) };
}

/** A revision that this process has never had in its registry, and whose files a pull has left here. */
async function onDisk(current: ModelEntry | undefined, revision: string): Promise<ModelEntry | undefined> {
  const entry = current && atOtherRevision(current, revision);
  return entry && (await precisionsIn(entry.directory)).length > 0 ? entry : undefined;
}

const atRevision = ({ model, revision }: { model: string; revision: string }) => `${model}@${revision}`;

function namesOf({ models, profiles }: Entries): string[] {
  const profiled = new Set(profiles.values());
  return [...profiles.keys(), ...[...models.keys()].filter((model) => !profiled.has(model))];
}

/** The first profile of a model asked for by its own name carries its batches. */
function queueOf({ profiles }: Entries, asked: string, model: string): string {
  if (profiles.has(asked)) return asked;
  return [...profiles].find(([, name]) => name === model)?.[0] ?? model;
}

/** The failure of a name that leads nowhere, with the names that lead somewhere. */
export function unknownModel(asked: string, { models, profiles }: Pick<Entries, 'models' | 'profiles'>): ServiceError {
  const known = [...new Set([...profiles.keys(), ...models.keys()])].join(', ');
  return new ServiceError('model.unknown', `No profile or model is named ${asked.slice(0, 100)}; there are ${known}`);
}
