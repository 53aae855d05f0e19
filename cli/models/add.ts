import { basename, resolve } from 'node:path';
import type { StatedFacts } from '../../models/families/family.ts';
import type { FamilyName } from '../../models/model.ts';
import type { AddedModel } from '../../models/registry/added.ts';
import { type Entries, isHubEntry } from '../../models/registry/entries.ts';
import type { LayoutName } from '../../models/registry/layouts.ts';
import type { Config } from '../../shared/config.ts';
import { interruptible } from '../context.ts';
import { UsageError } from '../failures.ts';
import { openHub } from '../hub.ts';
import { json, type Terminal } from '../output.ts';
import { gigabytes } from './list.ts';

export interface AddFlags {
  name?: string;
  profile?: string;
  description?: string;
  family?: FamilyName;
  logitScale?: string;
  logitBias?: string;
  layout?: LayoutName;
  folder?: string;
  weights?: string;
  tokenizer?: string;
  dimensions?: string;
}

type Output = Terminal & { json?: boolean };

export async function addModel(what: string, flags: AddFlags, settings: Config, output: Output): Promise<void> {
  const scale = numberIn('--logit-scale', flags.logitScale);
  if (scale !== undefined && !(scale > 0))
    throw new UsageError(`--logit-scale ${flags.logitScale} is not a positive number`);
  const { profile, description, family } = flags;
  const stated = { family, logitScale: scale, logitBias: numberIn('--logit-bias', flags.logitBias) };
  const place = /^hf:(.*)$/s.exec(what)?.[1];
  if (place !== undefined) {
    await addFromHub(place, { profile, description, ...stated }, flags, settings, output);
    return;
  }
  for (const name of ['layout', 'folder', 'weights', 'tokenizer', 'dimensions'] as const) {
    if (flags[name] !== undefined)
      throw new UsageError(`--${name} can only be used with a repository of the hub (hf:OWNER/NAME)`);
  }
  const { addFolder } = await import('../../models/registry/added.ts');
  const model = flags.name ?? basename(resolve(what));
  const precisions = await addFolder(settings, what, { model, profile, description, ...stated });
  if (output.json) return void output.stdout.write(json({ model, precisions }));
  output.stdout.write(
    `${model} (${precisions.join(', ')}) is now in the registry; a running service offers it within seconds\n`,
  );
}

async function addFromHub(
  place: string,
  as: Omit<AddedModel, 'model'>,
  flags: AddFlags,
  settings: Config,
  { stdout, json: isJson }: Output,
): Promise<void> {
  const [, repo, revision = 'main'] = /^([\w][\w.-]*\/[\w][\w.-]*)(?:@(\w[\w.-]*))?$/.exec(place) ?? [];
  if (repo === undefined)
    throw new UsageError(
      `hf:${place} is not the name of a repository; the form is hf:OWNER/NAME or hf:OWNER/NAME@REVISION`,
    );
  const [{ inspect }, { addEntry }, { pullCommandOf, readEntries }] = await Promise.all([
    import('../../models/pulling/inspect.ts'),
    import('../../models/registry/added.ts'),
    import('../../models/registry/entries.ts'),
  ]);
  const dimensions = numberIn('--dimensions', flags.dimensions);
  const { layout, folder, weights, tokenizer } = flags;
  const { family, logitScale, logitBias } = as;
  const choice = { layout, folder, weights, tokenizer, dimensions, family, logitScale, logitBias };
  const known = knownOf(await readEntries(settings), repo, folder);
  const hub = await openHub(settings);
  const found = await interruptible(
    (signal) => inspect({ repo, revision }, { hub, choice, known, signal }),
    () => 'Nothing was registered.',
  );
  const model = flags.name ?? nameOf(repo, found.source);
  const description = as.description === undefined ? {} : { description: as.description };
  await addEntry(settings, { ...description, ...found.entry }, { model, profile: as.profile });
  const { source, facts, precisions, bytes } = found;
  if (isJson) {
    const { family: read, dimensions: length } = facts;
    return void stdout.write(
      json({ model, source, family: read, dimensions: length, precisions, bytes: bytes ?? null, entry: found.entry }),
    );
  }
  stdout.write(
    `${model} registered: ${facts.family}, layout ${source.layout}, ${precisions.join(', ')}, at ${source.revision.slice(0, 12)}\n` +
      `${pullCommandOf(model, settings)} fetches it${bytes === undefined ? '' : ` (${gigabytes(bytes)})`}\n`,
  );
}

/**
 * Returns the facts of the built-in registry about a model of the same repository. Exported files lack the scale and
 * the bias of a sigmoid.
 */
function knownOf({ models }: Entries, repo: string, folder: string | undefined): StatedFacts {
  const same = [...models.values()]
    .filter(isHubEntry)
    .find(({ source }) => source.repo === repo && (folder === undefined || source.folder === folder));
  if (same === undefined) return {};
  const { family, dimensions, contextLength, preprocess, logitScale, logitBias } = same;
  return { family, dimensions, contextLength, preprocess, logitScale, logitBias };
}

/**
 * Returns the default name of a model: the name of its repository, with the folder or weights if it has several models.
 */
const nameOf = (
  repo: string,
  { folder, weights }: { folder?: string | undefined; weights?: string | undefined },
): string =>
  [repo.slice(repo.indexOf('/') + 1), folder === '.' ? undefined : folder?.split('/').at(-1), weights]
    .filter((part) => part !== undefined)
    .join('-')
    .toLowerCase()
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 64);

function numberIn(flag: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const value = Number(given);
  if (given.trim() === '' || !Number.isFinite(value)) throw new UsageError(`${flag} ${given} is not a number`);
  return value;
}
