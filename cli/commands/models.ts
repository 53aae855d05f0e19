import { rm } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { familyNames, type Precision } from '../../models/model.ts';
import type { Verified } from '../../models/pulling/verify.ts';
import type { Entries, HubEntry, ModelEntry } from '../../models/registry/entries.ts';
import { layoutNames } from '../../models/registry/layouts.ts';
import { called, modelFlags } from '../../shared/called.ts';
import type { Config } from '../../shared/config.ts';
import { type CommandDeps, interruptible } from '../context.ts';
import { CommandError, UsageError } from '../failures.ts';
import { describeRoute, openHub } from '../hub.ts';
import type { AddFlags } from '../models/add.ts';
import { addCheckCommand } from '../models/check.ts';
import { addGoldenCommand } from '../models/golden.ts';
import { json, megabytes, styled, type Terminal } from '../output.ts';
import { showPull, silent } from '../pull-progress.ts';

interface Global {
  json?: boolean;
  quiet?: boolean;
}

/** The values of `--precision`. `int8` is made on this machine from fp32 files; `repository-int8` is downloaded. */
const pullable = ['fp32', 'fp16', 'int8', 'repository-int8'] as const;
type Pullable = (typeof pullable)[number];

/** Returns the precisions to download for the values of `--precision`. */
const fetchedFor = (asked: readonly Pullable[] | undefined): Precision[] | undefined =>
  asked && [
    ...new Set(asked.map((each): Precision => (each === 'int8' ? 'fp32' : each === 'repository-int8' ? 'int8' : each))),
  ];

interface PullFlags {
  precision?: Pullable[];
  repair?: boolean;
  unverified?: boolean;
  dryRun?: boolean;
  all?: boolean;
}

interface CommandEnvironment extends Global, Terminal {
  settings: Config;
}

/** Pulls models one after another. Ctrl-C releases the lock and writes all received bytes to disk. */
async function pullAll(models: HubEntry[], flags: PullFlags, environment: CommandEnvironment): Promise<void> {
  const { settings, stdout, stderr, json: isJson = false, quiet: isQuiet = false } = environment;
  const { pull } = await import('../../models/pulling/pull.ts');
  const hub = await openHub(settings);
  const results: (Awaited<ReturnType<typeof pull>> & { made: string[] })[] = [];
  for (const entry of models) {
    const progress = isJson || isQuiet ? silent : await showPull(entry.model, stderr);
    const { repair, unverified } = flags;
    const precisions = fetchedFor(flags.precision);
    const result = await interruptible(
      (signal) => pull(entry, { hub, precisions, repair, unverified, signal, onEvent: progress.onEvent }),
      () => 'The bytes received so far are stored; run the same command again to continue.',
    ).finally(() => progress.stop());
    const made = flags.precision?.includes('int8') ? await makeInt8Of(entry, repair ?? false) : [];
    results.push({ ...result, made });
    if (isJson) continue;
    for (const warning of result.warnings) stderr.write(`${styled(stderr, 'yellow', 'warning')} ${warning}\n`);
    if (!isQuiet) for (const note of result.notes) stderr.write(`${note}\n`);
    const status = result.outcome === 'present' ? 'is already present' : `pulled from ${hub.name}`;
    stdout.write(`${result.model} (${result.precisions.join(', ')}) ${status}: ${result.directory}\n`);
    for (const path of made) stdout.write(`${result.model} (int8) made from fp32: ${path}\n`);
  }
  if (isJson) stdout.write(json({ models: results }));
}

async function makeInt8Of(entry: ModelEntry, again: boolean): Promise<string[]> {
  const { makeInt8 } = await import('../../models/quantization/make-model.ts');
  return await makeInt8(entry, again).catch((error: Error) => {
    throw new CommandError('model.int8_failed', error.message);
  });
}

/**
 * Prints the files that a pull would download. The exit code is 1 when the hub does not answer, or when its files
 * differ from the registry.
 */
async function surveyAll(models: HubEntry[], { precision }: PullFlags, environment: CommandEnvironment): Promise<void> {
  const { settings, stdout, stderr, json: isJson = false, quiet: isQuiet = false } = environment;
  const [{ survey }, { describeSurvey, isRefused }] = await Promise.all([
    import('../../models/pulling/dry-run.ts'),
    import('../dry-run.ts'),
  ]);
  const hub = await openHub(settings);
  const surveys: Awaited<ReturnType<typeof survey>>[] = [];
  for (const entry of models) {
    const onRetry = (local: string, { reason }: { reason: string }) => {
      if (!isQuiet) stderr.write(`${entry.model}: ${local}: ${reason}; trying again\n`);
    };
    const found = await survey(entry, { hub, precisions: fetchedFor(precision), onRetry });
    surveys.push(found);
    if (!isJson) stdout.write(describeSurvey(found, describeRoute(settings), stdout));
  }
  if (surveys.some(isRefused)) process.exitCode = 1;
  if (isJson) stdout.write(json({ models: surveys }));
}

/** Adds `vls models`. The code of a subcommand is loaded only when it runs. */
export function addModelsCommand(program: Command, deps: CommandDeps): void {
  const { terminal, config } = deps;
  const { stdout, stderr } = terminal;
  const models = program.command('models').description('Manage the models of this installation and their files.');
  const precision = new Option(
    '-p, --precision <name...>',
    'precision: fp32, fp16, int8 (made here from fp32), or repository-int8 (int8 files from the repository)',
  ).choices([...pullable]);

  models
    .command('list')
    .description('List all models, and whether their files are present.')
    .action(async (_options: object, command: Command) => {
      const { listModels } = await import('../models/list.ts');
      await listModels(config(), command.optsWithGlobals<Global>().json ?? false, stdout);
    });

  models
    .command('pull')
    .description('Fetch the files of models and verify them.')
    .argument(
      '[name...]',
      'names of profiles or models; default: the models of all profiles, and all models that you have added',
    )
    .option('--all', 'all models of the registry that come from the hub')
    .addOption(precision)
    .option('--repair', 'verify existing files too, and fetch damaged ones again')
    .option('--unverified', 'accept files even if the hub states neither their hash nor their commit')
    .option('--dry-run', 'print sizes and hashes of the files, without downloading them')
    .action(async (names: string[], options: PullFlags, command: Command) => {
      const settings = config();
      const { entries, findAll } = await registryOf(settings);
      const { isHubEntry, isInCatalogue } = await import('../../models/registry/entries.ts');
      const isDefault = (entry: ModelEntry) => options.all || !isInCatalogue(entry, entries);
      const behind = (name: string) => {
        const all = findAll(name);
        return all.length > 1 ? all.filter(isHubEntry) : all;
      };
      const chosen =
        names.length === 0
          ? [...entries.models.values()].filter(isDefault).filter(isHubEntry)
          : unique(names.flatMap(behind));
      const fromHub = chosen.map((entry): HubEntry => {
        if (isHubEntry(entry)) return entry;
        throw new UsageError(
          `${entry.model} is a local folder (${entry.directory}); only models of the hub can be pulled`,
        );
      });
      const run = options.dryRun ? surveyAll : pullAll;
      await run(fromHub, options, { ...terminal, settings, ...command.optsWithGlobals<Global>() });
    });

  models
    .command('verify')
    .description('Compare the files of models with their hashes.')
    .argument('[name...]', 'names of profiles or models; default: all models whose files are present')
    .action(async (names: string[], _options: object, command: Command) => {
      const { entries, findAll } = await registryOf(config());
      const { verify } = await import('../../models/pulling/verify.ts');
      const chosen = names.length === 0 ? [...entries.models.values()] : unique(names.flatMap(findAll));
      const all: Verified[] = [];
      for (const entry of chosen) all.push(await verify(entry));
      const results = names.length === 0 ? all.filter(({ state }) => state !== 'absent') : all;
      if (results.some(({ state }) => state !== 'intact')) process.exitCode = 1;
      if (command.optsWithGlobals<Global>().json) return void stdout.write(json({ models: results }));
      for (const result of results) stdout.write(report(result, config(), stdout));
    });

  models
    .command('remove')
    .description(
      'Delete the downloaded files of models. A model that was added with `vls models add` is also removed from the registry; a folder of yours is not deleted.',
    )
    .argument('<name...>', 'profiles or models')
    .action(async (names: string[], _options: object, command: Command) => {
      const settings = config();
      const { find } = await registryOf(settings);
      const { addedFile, isHubEntry } = await import('../../models/registry/entries.ts');
      const removed: { model: string; removed: boolean }[] = [];
      const forget = async ({ model }: ModelEntry) => {
        const { removeAdded } = await import('../../models/registry/added.ts');
        await removeAdded(settings.dataDir, model);
      };
      for (const entry of unique(names.map(find))) {
        const wasAdded = entry.definedIn === addedFile(settings.dataDir);
        if (isHubEntry(entry)) {
          const { removePulled } = await import('../../models/pulling/pull.ts');
          const wait = () => stderr.write(`${entry.model} is being pulled; waiting\n`);
          const wasPulled = await removePulled(entry, wait);
          if (wasAdded) await forget(entry);
          removed.push({ model: entry.model, removed: wasPulled || wasAdded });
        } else if (wasAdded) {
          await forget(entry);
          // Deletes only derived files, such as int8. The folder of the model is kept.
          await rm(entry.madeDirectory, { recursive: true, force: true });
          removed.push({ model: entry.model, removed: true });
        } else {
          throw new UsageError(`${entry.model} is a folder listed in ${entry.definedIn}; remove its entry there`);
        }
      }
      if (command.optsWithGlobals<Global>().json) return void stdout.write(json({ models: removed }));
      for (const { model, removed: wasRemoved } of removed) {
        stdout.write(wasRemoved ? `${model} removed\n` : `${model} was not present\n`);
      }
    });

  models
    .command('search')
    .description('Search the registry and the hub for models.')
    .argument('<word>', 'part of the name of a model')
    .action(async (word: string, _options: object, command: Command) => {
      const { searchModels } = await import('../models/search.ts');
      await searchModels(word, config(), { ...terminal, ...command.optsWithGlobals<Global>() });
    });

  models
    .command('add')
    .description('Add a model to the registry: a folder, or a repository of the hub.')
    .argument('<dir|hf:owner/name[@revision]>', 'a folder with the files of a model, or a repository')
    .option('-n, --name <name>', "name of the model; default the folder's or the repository's name")
    .option('--profile <name>', 'profile for the model')
    .option('--description <text>', 'one line of description')
    .addOption(
      new Option(
        '--family <name>',
        'model family, which decides how the files are read; default: detected from the files',
      ).choices([...familyNames]),
    )
    .option(
      '--logit-scale <number>',
      'logit scale, the factor by which cosines are multiplied before softmax or sigmoid; default 100',
    )
    .option('--logit-bias <number>', 'logit bias, which is added before the sigmoid')
    .addOption(
      new Option(
        '--layout <name>',
        'arrangement of the files in a repository; default: detected from its files',
      ).choices([...layoutNames]),
    )
    .option('--folder <path>', 'folder of the ONNX files to use, if the repository has several models')
    .option('--weights <name>', 'name of the weights to use, if the repository has several models')
    .option(
      '--tokenizer <owner/name>',
      'repository to take the tokenizer from, if the repository of the model has none',
    )
    .option('--dimensions <number>', 'number of dimensions of an embedding, if the repository does not state it')
    .action(async (what: string, options: AddFlags, command: Command) => {
      const { addModel } = await import('../models/add.ts');
      await addModel(what, options, config(), { ...terminal, ...command.optsWithGlobals<Global>() });
    });

  addCheckCommand(models, deps);
  addGoldenCommand(models, deps);
}

async function registryOf(settings: Config): Promise<{
  entries: Entries;
  find(name: string): ModelEntry;
  /** Returns the model with this name, or all models of a profile. */
  findAll(name: string): ModelEntry[];
}> {
  const { readEntries } = await import('../../models/registry/entries.ts');
  const { unknownModel } = await import('../../models/registry/registry.ts');
  const { modelsOf } = await import('../../models/registry/traffic.ts');
  const entries = await readEntries(settings);
  const find = (name: string) => {
    const entry = entries.find(name);
    if (entry === undefined) throw unknownModel(name, entries);
    return entry;
  };
  const findAll = (name: string) => {
    const rules = entries.traffic.get(name);
    return rules === undefined ? [find(name)] : modelsOf(rules).map(find);
  };
  return { entries, find, findAll };
}

/** Removes duplicates, as when the user names a profile and its model. */
const unique = (entries: ModelEntry[]): ModelEntry[] => [...new Set(entries)];

function report(
  { model, revision, directory, state, files }: Verified,
  settings: Config,
  stream: NodeJS.WriteStream,
): string {
  const flags = modelFlags(settings);
  const colour = state === 'intact' ? 'green' : 'red';
  const lines = [`${model} ${revision.slice(0, 12)}: ${styled(stream, colour, state)} (${directory})`];
  for (const { file, state: fileState, bytes, fault } of files) {
    const known = fileState === 'unknown' ? 'present, no known hash' : fileState;
    lines.push(`  ${file}: ${fault === null ? `${known} (${megabytes(bytes)})` : `${known}: ${fault}`}`);
  }
  if (state === 'damaged')
    lines.push(`  \`${called} models pull ${model} --repair${flags}\` fetches damaged files of a model from a hub.`);
  if (state === 'absent') lines.push(`  \`${called} models pull ${model}${flags}\` fetches a model from a hub.`);
  return `${lines.join('\n')}\n`;
}
