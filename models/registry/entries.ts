import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { called, modelFlags } from '../../shared/called.ts';
import type { Config } from '../../shared/config.ts';
import { nearestName } from '../../shared/nearest.ts';
import { inOurWords } from '../../shared/validation-words.ts';
import { type FamilyName, familyNames, precisions } from '../model.ts';
import { filesOf, hasFolder, isLocalName, layoutNames, needsDimensions, precisionsOf } from './layouts.ts';
import { modelsOf, profileEntry, type TrafficRules } from './traffic.ts';

const count = z.int().min(1);
const positive = z.number().positive();
const triple = z.tuple([z.number(), z.number(), z.number()]);

// The revision is used in the name of a directory.
const revision = z
  .string()
  .regex(/^\w[\w.-]{0,127}$/, 'a revision is a commit, a tag or a branch, with only letters, digits, dots, - and _')
  .refine((value) => !value.endsWith('.partial'), 'a revision may not end with .partial');
const repo = z.string().regex(/^[\w][\w.-]*\/[\w][\w.-]*$/, 'a repository is <owner>/<name>');
const place = z.strictObject({ repo, revision });

const source = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('folder'), path: z.string().min(1) }),
  z.strictObject({
    type: z.literal('huggingface'),
    repo,
    revision: revision.optional(),
    layout: z.enum(layoutNames),
    text: place.optional(),
    tokenizer: place.optional(),
    weights: z.string().min(1).optional(),
    folder: z
      .string()
      .regex(/^(\.|[\w-][\w.-]*(\/[\w-][\w.-]*)*)$/, 'a folder of the repository, without / at its ends')
      .optional(),
  }),
]);

const precision = z.enum(precisions);
/** The precision of both encoders or of one. A precision that is not stated is chosen for the device. */
const statedPrecision = z
  .union([
    precision,
    z
      .strictObject({ vision: precision.optional(), text: precision.optional() })
      .refine(
        ({ vision, text }) => vision !== undefined || text !== undefined,
        'expected a precision for vision, text or both',
      ),
  ])
  .transform((stated) => (typeof stated === 'string' ? { vision: stated, text: stated } : stated));

const writtenEntry = z.strictObject({
  description: z.string().optional(),
  /** True if the entry has never been compared with the list of files in its repository at this revision. */
  unverified: z.literal(true).optional(),
  /** True if no golden values prove that the service reproduces the reference library of the model. */
  unproven: z.literal(true).optional(),
  /** The licence of the weights, as their publisher names it. */
  licence: z.string().min(1).optional(),
  /** The languages of the texts: ISO 639 codes, or `multilingual`. */
  languages: z.array(z.string().min(2)).min(1).optional(),
  /** The number of parameters, summed over both encoders. */
  parameters: count.optional(),
  /** The lowest cosine of a good match (`from`), and the web page that states it (`source`). */
  goodMatch: z.strictObject({ from: z.number().min(-1).max(1), source: z.url() }).optional(),
  /** The publisher's page about the model. */
  page: z.url().optional(),
  source,
  revision: revision.optional(),
  precision: statedPrecision.optional(),
  family: z.enum(familyNames).optional(),
  dimensions: count.optional(),
  contextLength: count.optional(),
  preprocess: z
    .strictObject({ imageSize: count.optional(), mean: triple.optional(), std: triple.optional() })
    .optional(),
  logitScale: positive.optional(),
  logitBias: z.number().optional(),
  memoryBytes: count.optional(),
  speed: z.strictObject({ imagesPerSecond: positive, on: z.string().min(1) }).optional(),
  microBatch: z.strictObject({ images: count, texts: count }).default({ images: 8, texts: 16 }),
  files: z
    .record(
      z.string(),
      z.strictObject({
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
        bytes: count.optional(),
        /** True when only one source has stated the hash. The first pull then compares it with the hash of the hub. */
        unverified: z.literal(true).optional(),
      }),
    )
    .default({}),
});

const hasClipVocabulary = (family: FamilyName = 'clip'): boolean => ['clip', 'mobileclip', 'pe'].includes(family);

/**
 * Checks the entry against the layout of its source. Copies the revision into both, because a file may state only one.
 */
export const modelEntry = writtenEntry.transform((entry, context) => {
  const fault = (message: string, ...path: (string | number)[]) =>
    context.issues.push({ code: 'custom', message, path, input: entry });
  if (entry.source.type === 'folder') return { ...entry, source: entry.source, revision: entry.revision ?? 'local' };

  const { source } = entry;
  const pinned = source.revision ?? entry.revision;
  if (pinned === undefined)
    fault('a model from a hub needs a revision, which is the commit of its files', 'source', 'revision');
  if (source.revision !== undefined && entry.revision !== undefined && source.revision !== entry.revision) {
    fault(`the entry states the revision ${entry.revision}, but its source states ${source.revision}`, 'revision');
  }
  if (source.layout === 'qdrant' && source.text === undefined) {
    fault(
      'is missing: the layout qdrant has the text model in a second repository, which this field names',
      'source',
      'text',
    );
  }
  if (source.folder !== undefined && !hasFolder(source.layout)) {
    fault(
      `is not allowed: repositories of the layout ${source.layout} have the model in a fixed place`,
      'source',
      'folder',
    );
  }
  if (needsDimensions(source.layout) && entry.dimensions === undefined) {
    fault(
      `is missing: the repositories of the layout ${source.layout} do not state the length of an embedding`,
      'dimensions',
    );
  }
  if (source.layout === 'marqo' && source.tokenizer === undefined && !hasClipVocabulary(entry.family)) {
    const message = `is missing: repositories in the layout marqo contain only the tokenizer of CLIP; name a repository that has the tokenizer of ${entry.family}`;
    fault(message, 'source', 'tokenizer');
  }
  const offered = precisionsOf(source.layout);
  if (Object.values(entry.precision ?? {}).some((stated) => stated !== undefined && !offered.includes(stated))) {
    fault(`must be one that the layout ${source.layout} has: ${offered.join(' or ')}`, 'precision');
  }
  const complete = { ...source, revision: pinned ?? '' };
  if (context.issues.length === 0) {
    for (const file of Object.keys(entry.files)) {
      if (isLocalName(complete, file)) continue;
      const known = precisionsOf(source.layout).flatMap((precision) => filesOf(complete, precision));
      const names = [...new Set(known.map(({ local }) => local))].join(', ');
      fault(`is not a file of the layout ${source.layout}, which has ${names}`, 'files', file);
    }
  }
  return { ...entry, source: complete, revision: complete.revision };
});

type ParsedEntry = z.output<typeof modelEntry>;

export type ModelEntry = ParsedEntry & {
  model: string;
  /** The directory of the model's files. It may not exist yet. */
  directory: string;
  /** The directory for derived files: `directory` for a hub model, one in `DATA_DIR` for a folder of the user. */
  madeDirectory: string;
  /** The command that pulls the model; null for a folder. */
  pullCommand: string | null;
  /** The path of the registry file that contains the entry. */
  definedIn: string;
};

export type HubEntry = ModelEntry & { source: Extract<ParsedEntry['source'], { type: 'huggingface' }> };
export const isHubEntry = (entry: ModelEntry): entry is HubEntry => entry.source.type === 'huggingface';

/** The merged content of all registry files. */
export interface Entries {
  models: ReadonlyMap<string, ModelEntry>;
  /** The main model of each profile. */
  profiles: ReadonlyMap<string, string>;
  traffic: ReadonlyMap<string, TrafficRules>;
  defaultName: string;
  /** Returns the entry of the model to which a profile name or model name refers. */
  find(asked: string): ModelEntry | undefined;
}

export const modelName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/i, 'a name has only letters, digits, dots, - and _');

const registryFile = z.strictObject({
  profiles: z.record(modelName, profileEntry).default({}),
  default: z.string().optional(),
  models: z.record(modelName, modelEntry).default({}),
});

export const pullCommandOf = (model: string, config: Pick<Config, 'dataDir' | 'modelsFile'>): string =>
  `${called} models pull ${model}${modelFlags(config)}`;

export const builtInFile = fileURLToPath(new URL('../models.json', import.meta.url));

/** Models that are not installed. The service offers them as soon as their files have been downloaded. */
export const catalogueFile = fileURLToPath(new URL('../catalogue.json', import.meta.url));

/** Returns undefined for a model in a folder of the user, and for an invalid revision. */
export function atOtherRevision(entry: ModelEntry, other: string): ModelEntry | undefined {
  if (!isHubEntry(entry) || !revision.safeParse(other).success) return undefined;
  const source = { ...entry.source, revision: other };
  const directory = join(dirname(entry.directory), other);
  return { ...entry, source, revision: other, directory, madeDirectory: directory };
}

/** Returns the path of the registry file that `vls models add` writes. */
export const addedFile = (dataDir: string): string => join(dataDir, 'models.json');

/** Returns true for a catalogue model that is not the default and that no profile names. */
export const isInCatalogue = ({ definedIn, model }: ModelEntry, { traffic, defaultName }: Entries): boolean =>
  definedIn === catalogueFile &&
  defaultName !== model &&
  ![...traffic.values()].some((rules) => modelsOf(rules).includes(model));

/** Entries of later files override those of earlier ones. */
export const registryFiles = ({ dataDir, modelsFile }: RegistryConfig): string[] => [
  builtInFile,
  catalogueFile,
  addedFile(dataDir),
  ...(modelsFile === undefined ? [] : [modelsFile]),
];

/** The message names the registry file, the entry and the field. */
export class RegistryError extends Error {
  override name = 'RegistryError';
}

export interface RegistryConfig extends Pick<Config, 'dataDir' | 'modelsFile' | 'model'> {
  /** The setting or flag that names `model`, for messages. Default: `MODEL`. */
  modelSource?: string | undefined;
}

/**
 * The default model comes from the setting `MODEL`, or from the last file with a `default`.
 * @throws {RegistryError} naming the file, the entry and the field.
 */
export async function readEntries(config: RegistryConfig): Promise<Entries> {
  const traffic = new Map<string, TrafficRules>();
  const models = new Map<string, ModelEntry>();
  let defaultName = 'compact';
  const added = addedFile(config.dataDir);
  for (const file of registryFiles(config)) {
    const parsed = await readRegistryFile(file, { mayBeAbsent: file === added && file !== config.modelsFile });
    if (parsed === undefined) continue;
    for (const [profile, rules] of Object.entries(parsed.profiles)) traffic.set(profile, rules);
    for (const [model, entry] of Object.entries(parsed.models)) {
      models.set(model, {
        ...entry,
        model,
        directory: directoryOf(model, entry, file, config.dataDir),
        madeDirectory: join(config.dataDir, 'models', model, entry.revision),
        pullCommand: entry.source.type === 'folder' ? null : pullCommandOf(model, config),
        definedIn: file,
      });
    }
    defaultName = parsed.default ?? defaultName;
  }
  defaultName = config.model ?? defaultName;

  const profiles = new Map([...traffic].map(([profile, { model }]) => [profile, model]));
  const find = (asked: string): ModelEntry | undefined => models.get(profiles.get(asked) ?? asked);
  for (const [profile, rules] of traffic) {
    const unknown = modelsOf(rules).find((model) => !models.has(model));
    if (unknown !== undefined)
      throw new RegistryError(
        `Profile ${profile} names the model ${unknown}, which is not in any registry file${adviceOnName(unknown, { profiles: new Map(), models })}`,
      );
  }
  if (find(defaultName) === undefined) {
    const from =
      config.model === undefined
        ? `The default model ${defaultName}`
        : `The model ${defaultName} (${config.modelSource ?? 'MODEL'})`;
    throw new RegistryError(`${from} is in no registry file${adviceOnName(defaultName, { profiles, models })}`);
  }
  return { models, profiles, traffic, defaultName, find };
}

/** Returns the end of the message about an unknown name: the name that was probably meant, and all names. */
export function adviceOnName(asked: string, { profiles, models }: Pick<Entries, 'profiles' | 'models'>): string {
  const names = [...new Set([...profiles.keys(), ...models.keys()])];
  const nearest = nearestName(asked, names);
  const list = names.join(', ');
  return nearest === undefined ? `; known names: ${list}` : `. Did you mean ${nearest}? Known names: ${list}`;
}

async function readRegistryFile(
  file: string,
  { mayBeAbsent }: { mayBeAbsent: boolean },
): Promise<z.output<typeof registryFile> | undefined> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    if (mayBeAbsent && (cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new RegistryError(`The registry file ${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
  const parsed = registryFile.safeParse(json, { error: inOurWords });
  if (!parsed.success)
    throw new RegistryError(`The registry file ${file} is invalid:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

function directoryOf(model: string, entry: ParsedEntry, file: string, dataDir: string): string {
  if (entry.source.type === 'folder') return resolve(dirname(file), entry.source.path);
  return join(dataDir, 'models', model, entry.revision);
}
