import { access, mkdir, readdir, rename, rm, rmdir, statfs } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { takeLock } from '../../shared/file-lock.ts';
import { digestOf, sizeOf } from '../files.ts';
import type { ModelPrecision, Precision } from '../model.ts';
import type { HubEntry } from '../registry/entries.ts';
import { readModelFolder } from '../registry/folder.ts';
import { type LayoutFile, optionalFilesOf } from '../registry/layouts.ts';
import { wantedPrecisions } from '../registry/precision.ts';
import { type AnnouncedPull, announcePull, stagingAt } from '../registry/staged-pull.ts';
import { isGraph, isWeightsOf, requireWeights, weightsNamedIn } from '../registry/weights.ts';
import { download, type Expected, faultOf } from './download.ts';
import { type FindOptions, findMore, requiredFiles, weightsFile } from './find-files.ts';
import type { Hub } from './hub.ts';
import { type Manifest, type ManifestEntry, readManifest, writeManifest } from './manifest.ts';
import { type Patience, patience, type Retry } from './persist.ts';
import { isCommit, type Planned, plan } from './plan.ts';
import { PullError } from './pull-error.ts';

/** The progress of a pull. `local` is the local name of a file. */
export type PullEvent =
  /** The hub is being asked for sizes and hashes. */
  | { type: 'asking'; hub: string }
  /** Another process downloads the same model, and this process waits for it. */
  | { type: 'waiting' }
  | { type: 'planned'; files: { local: string; bytes: number | undefined }[] }
  | { type: 'progress'; local: string; received: number; total: number | undefined }
  | ({ type: 'retry'; local: string } & Retry)
  | { type: 'verified'; local: string; bytes: number };

export interface PullOptions extends Partial<Patience> {
  hub: Hub;
  /** Default: the precisions that follow from the registry entry. */
  precisions?: readonly Precision[] | undefined;
  /** True to verify existing files too, and to download damaged ones again. */
  repair?: boolean | undefined;
  /** True to accept files without a known hash or commit. */
  unverified?: boolean | undefined;
  signal?: AbortSignal | undefined;
  onEvent?: ((event: PullEvent) => void) | undefined;
  /** Returns the free bytes of the directory's disk. Tests replace it. */
  freeBytes?: (directory: string) => Promise<number>;
}

export interface Pulled {
  /** `present`: all files already existed, and nothing was downloaded. */
  outcome: 'pulled' | 'present';
  model: string;
  revision: string;
  directory: string;
  precisions: ModelPrecision[];
  warnings: string[];
  /** Messages about hashes that only one source states and that the hub has confirmed. */
  notes: string[];
}

/** Free bytes that are required beyond the sizes of the files, for small files. */
const marginBytes = 16 * 1024 * 1024;

/**
 * Downloads and verifies the files of a model in a staging directory, which is renamed at the end. Intact files are
 * used again. Of several processes, one downloads a revision and the others wait.
 * @throws {PullError}
 */
export async function pull(entry: HubEntry, options: PullOptions): Promise<Pulled> {
  const { directory, model, revision } = entry;
  const wanted = wantedPrecisions(entry, options.precisions);
  const required = requiredFiles(entry, wanted);
  const warnings: string[] = [];
  const notes: string[] = [];
  const done = (outcome: Pulled['outcome']): Pulled => ({
    outcome,
    model,
    revision,
    directory,
    precisions: wanted,
    warnings,
    notes,
  });
  if (!options.repair && (await missingFrom(entry, await knownFiles(entry, required), false)).length === 0) {
    return done('present');
  }

  const lockFile = join(dirname(dirname(directory)), '.locks', `${model}@${revision}`);
  let release: (() => void) | undefined;
  try {
    release = await takeLock(lockFile, () => options.onEvent?.({ type: 'waiting' }), options.signal);
    const isThorough = options.repair ?? false;
    const missing = await missingFrom(entry, await knownFiles(entry, required), isThorough);
    if (missing.length === 0) return done('present');
    await fetchAndInstall(entry, required, missing, { warnings, notes }, { ...patience, ...options });
    return done('pulled');
  } catch (error) {
    throw asPullError(error, directory);
  } finally {
    release?.();
  }
}

/** Lists the required files, and the optional files that an earlier pull downloaded. */
async function knownFiles(entry: HubEntry, required: LayoutFile[]): Promise<LayoutFile[]> {
  const manifest = await readManifest(entry.directory);
  const optional = new Set(optionalFilesOf(entry.source).map(({ local }) => local));
  const graphs = required.filter(({ local }) => isGraph(local));
  const more = Object.entries(manifest?.files ?? {}).flatMap(([local, { from }]): LayoutFile[] => {
    if (required.some((file) => file.local === local)) return [];
    if (!optional.has(local) && !graphs.some((graph) => isWeightsOf(graph.local, local))) return [];
    const [, repo, path] = /^(.+?)@[^:]+:(.+)$/.exec(from) ?? [];
    const same = required.find((file) => file.repo === repo);
    return repo === undefined || path === undefined || same === undefined
      ? []
      : [{ repo, revision: same.revision, path, local }];
  });
  return [...required, ...more];
}

/** Lists the files that are missing or do not match. If all match but the model is unusable, it lists all. */
async function missingFrom(entry: HubEntry, files: LayoutFile[], thorough: boolean): Promise<LayoutFile[]> {
  const missing = await notHere(entry, files, thorough);
  if (missing.length > 0) return missing;
  // The registry entry may have changed since the download.
  const usable = await requireModel(entry, entry.directory, files).then(
    () => true,
    () => false,
  );
  return usable ? [] : files;
}

async function notHere(entry: HubEntry, files: LayoutFile[], thorough: boolean): Promise<LayoutFile[]> {
  const manifest = await readManifest(entry.directory);
  const isHere = async (file: LayoutFile): Promise<boolean> => {
    const { local } = file;
    const known = manifest?.files[local];
    const pinned = entry.files[local]?.sha256;
    if (known === undefined || (pinned !== undefined && pinned !== known.sha256)) return false;
    if (!isFrom(file, known.from)) return false;
    const path = join(entry.directory, local);
    const bytes = await sizeOf(path);
    if (bytes !== known.bytes) return false;
    return !thorough || (await digestOf(path, bytes)).sha256 === known.sha256;
  };
  const here = await Promise.all(files.map(isHere));
  return files.filter((_, at) => !here[at]);
}

const originOf = ({ repo, path }: LayoutFile, commit: string): string => `${repo}@${commit}:${path}`;

/**
 * Compares the origin in the manifest with the registry entry: of a branch, only the repository and path. An unknown
 * commit is accepted.
 */
const isFrom = (file: LayoutFile, from: string): boolean =>
  isCommit(file.revision)
    ? from === originOf(file, file.revision) || from === originOf(file, 'unknown')
    : from.startsWith(`${file.repo}@`) && from.endsWith(`:${file.path}`);

type Pulling = PullOptions & Patience;

async function fetchAndInstall(
  entry: HubEntry,
  required: LayoutFile[],
  missing: LayoutFile[],
  { warnings, notes }: Pick<Pulled, 'warnings' | 'notes'>,
  options: Pulling,
): Promise<void> {
  options.onEvent?.({ type: 'asking', hub: options.hub.name });
  // The first request runs alone, so that a failure of the hub is reported only once.
  const [first, ...others] = missing;
  if (first === undefined) return;
  const planned = [await planOne(entry, first, options)];
  const asked = new Set(missing.map(({ local }) => local));
  const more = (await findMore(entry, required, finding(options))).filter(({ local }) => !asked.has(local));
  const rest = [...others, ...(await notHere(entry, more, options.repair ?? false))];
  planned.push(...(await Promise.all(rest.map((file) => planOne(entry, file, options)))));
  const unchecked = planned.filter(({ checkedAgainst }) => checkedAgainst === 'nothing').map(({ file }) => file.local);
  if (unchecked.length > 0) {
    warnings.push(
      `These files could not be verified, since no hash of them is known: ${unchecked.join(', ')}. You can add their hashes to the registry.`,
    );
  }
  if (!isCommit(entry.revision)) {
    warnings.push(`The revision ${entry.revision} is not a commit, so its files may change.`);
  }
  for (const { file, facts } of planned.filter(({ isUnverified }) => isUnverified)) {
    if (facts.sha256 !== undefined) notes.push(`${options.hub.name} confirmed the SHA-256 of ${file.local}.`);
    else
      warnings.push(
        `The SHA-256 of ${file.local} is known from one source only, and ${options.hub.name} does not confirm it.`,
      );
  }
  const staging = stagingAt(entry.directory);
  await mkdir(staging, { recursive: true });
  await requireSpace(planned, staging, options);
  const known = planned.map(({ file, expected }) => ({ local: file.local, bytes: expected.bytes }));
  options.onEvent?.({ type: 'planned', files: known });

  const announced: AnnouncedPull = await announcePull(staging, known);
  try {
    const fetched: Manifest['files'] = {};
    const graphs = required.filter(({ local }) => isGraph(local));
    const isTower = ({ file }: Planned) =>
      graphs.some(({ local }) => local === file.local || isWeightsOf(local, file.local));
    for (const item of planned.filter((each) => !isTower(each))) {
      fetched[item.file.local] = await fetchOne(entry, item, options);
    }
    // Detects an unsupported family after a few kilobytes, before the weights are downloaded.
    if (!(await exists(entry.directory))) await requireUsable(entry, staging, []);
    for (const item of planned.filter(isTower)) fetched[item.file.local] = await fetchOne(entry, item, options);
    const late = await otherWeights(entry, graphs, fetched, options);
    if (late.length > 0) await requireSpace(late, staging, options);
    for (const item of late) fetched[item.file.local] = await fetchOne(entry, item, options);
    const before = await readManifest(entry.directory);
    const manifest: Manifest = {
      version: 1,
      model: entry.model,
      revision: entry.revision,
      pulledAt: new Date().toISOString(),
      files: { ...before?.files, ...fetched },
    };
    await announced.end();
    await install(entry, required, manifest);
  } finally {
    await announced.end();
  }
}

/** Lists external weights that the list of files did not reveal. Only the graph states their names. */
async function otherWeights(
  entry: HubEntry,
  graphs: LayoutFile[],
  fetched: Manifest['files'],
  options: Pulling,
): Promise<Planned[]> {
  const planned: Planned[] = [];
  for (const graph of graphs.filter(({ local }) => fetched[local] !== undefined)) {
    const staged = join(stagingAt(entry.directory), graph.local);
    // The user may have copied the graph into the directory of the model.
    const path = (await exists(staged)) ? staged : join(entry.directory, graph.local);
    const names = await weightsNamedIn(path).catch((cause) => {
      throw unusable(entry, cause);
    });
    for (const name of names) {
      const file = weightsFile(graph, posix.join(posix.dirname(graph.path), name));
      if (fetched[file.local] === undefined && (await notHere(entry, [file], false)).length > 0)
        planned.push(await planOne(entry, file, options));
    }
  }
  return planned;
}

const finding = (options: Pulling): FindOptions => ({
  ...options,
  onRetry: (local, retry) => options.onEvent?.({ type: 'retry', local, ...retry }),
});

const planOne = (entry: HubEntry, file: LayoutFile, options: Pulling): Promise<Planned> =>
  plan(entry, file, {
    ...options,
    onRetry: (retry) => options.onEvent?.({ type: 'retry', local: file.local, ...retry }),
  });

async function requireSpace(planned: Planned[], staging: string, options: Pulling): Promise<void> {
  const needed = await Promise.all(
    planned.map(async ({ file, expected }) => {
      const target = join(staging, file.local);
      const there = (await sizeOf(target)) + (await sizeOf(`${target}.partial`));
      return Math.max(0, (expected.bytes ?? 0) - there);
    }),
  );
  const bytes = needed.reduce((sum, each) => sum + each, marginBytes);
  const free = await (options.freeBytes ?? freeBytesAt)(staging);
  if (free >= bytes) return;
  const megabytes = (count: number) => `${Math.ceil(count / 1_000_000)} MB`;
  throw new PullError(
    'no_space',
    `The download needs ${megabytes(bytes)} in ${dirname(staging)}, but only ${megabytes(free)} are free`,
    'Free some space, or set DATA_DIR to a directory on a larger disk.',
  );
}

async function freeBytesAt(directory: string): Promise<number> {
  const { bavail, bsize, blocks } = await statfs(directory);
  // Some network file systems report a size of 0.
  return blocks === 0 ? Number.POSITIVE_INFINITY : bavail * bsize;
}

async function fetchOne(
  entry: HubEntry,
  { file, facts, expected, checkedAgainst }: Planned,
  options: Pulling,
): Promise<ManifestEntry> {
  const { local } = file;
  const staged = join(stagingAt(entry.directory), local);
  const digest =
    (await intactAt(staged, expected)) ??
    (await intactAt(join(entry.directory, local), expected)) ??
    (await download(file, staged, expected, {
      ...options,
      onProgress: (received, total) => options.onEvent?.({ type: 'progress', local, received, total }),
      onRetry: (retry) => options.onEvent?.({ type: 'retry', local, ...retry }),
    }));
  options.onEvent?.({ type: 'verified', local, bytes: digest.bytes });
  return {
    bytes: digest.bytes,
    sha256: digest.sha256,
    from: originOf(file, facts.commit ?? 'unknown'),
    checkedAgainst,
  };
}

/** Returns the digest of an intact file that an interrupted pull or the user has left. */
async function intactAt(path: string, expected: Expected) {
  if (expected.sha256 === undefined && expected.gitBlob === undefined) return undefined;
  const bytes = await sizeOf(path);
  if (bytes === 0) return undefined;
  const digest = await digestOf(path, bytes);
  return faultOf(digest, expected) === undefined ? digest : undefined;
}

/**
 * Moves the downloaded files into the model's directory: a new model with one rename, otherwise file by file with the
 * manifest last.
 */
async function install(entry: HubEntry, required: LayoutFile[], manifest: Manifest): Promise<void> {
  const { directory } = entry;
  const staging = stagingAt(entry.directory);
  if (!(await exists(directory))) {
    await removeOthers(staging, manifest);
    await requireUsable(entry, staging, required);
    await writeManifest(staging, manifest);
    await rename(staging, directory);
    return;
  }
  for (const local of Object.keys(manifest.files)) {
    const staged = join(staging, local);
    if ((await sizeOf(staged)) === 0) continue;
    await mkdir(dirname(join(directory, local)), { recursive: true });
    await rename(staged, join(directory, local));
  }
  await requireUsable(entry, directory, required);
  await writeManifest(directory, manifest);
  await rm(staging, { recursive: true, force: true });
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

async function requireModel(entry: HubEntry, directory: string, files: LayoutFile[]): Promise<void> {
  await readModelFolder(directory, entry);
  for (const { local } of files) if (isGraph(local)) await requireWeights(join(directory, local));
}

async function requireUsable(entry: HubEntry, directory: string, files: LayoutFile[]): Promise<void> {
  await requireModel(entry, directory, files).catch((cause) => {
    throw unusable(entry, cause);
  });
}

const unusable = (entry: HubEntry, cause: Error) =>
  new PullError(
    'unusable',
    `${entry.source.repo} does not hold a model that this service supports: ${cause.message}`,
    `Check models.${entry.model} in ${entry.definedIn}: source.layout and the other fields.`,
    { cause },
  );

/** Removes staged files that an interrupted pull of another precision has left. */
async function removeOthers(staging: string, manifest: Manifest): Promise<void> {
  for (const file of await readdir(staging, { recursive: true, withFileTypes: true })) {
    const path = join(file.parentPath, file.name);
    const local = path.slice(staging.length + 1).replaceAll('\\', '/');
    if (file.isFile() && manifest.files[local] === undefined) await rm(path, { force: true });
  }
}

/**
 * Removes the files of a revision and of its interrupted pull. Waits for a running pull first.
 * @returns true when files were removed.
 */
export async function removePulled(entry: HubEntry, onWait: () => void = () => {}): Promise<boolean> {
  const { directory } = entry;
  const lockFile = join(dirname(dirname(directory)), '.locks', `${entry.model}@${entry.revision}`);
  let release: (() => void) | undefined;
  try {
    release = await takeLock(lockFile, onWait);
    let removed = false;
    for (const path of [directory, stagingAt(entry.directory)]) {
      // After a rename, no process reads an incomplete model. The next removal completes an interrupted deletion.
      const away = `${stagingAt(entry.directory)}.removed`;
      await rm(away, { recursive: true, force: true });
      const there = await rename(path, away).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'ENOENT') return false;
          throw error;
        },
      );
      removed ||= there;
      await rm(away, { recursive: true, force: true });
    }
    await rmdir(dirname(directory)).catch(() => undefined);
    return removed;
  } catch (error) {
    throw asPullError(error, directory);
  } finally {
    release?.();
  }
}

function asPullError(error: unknown, directory: string): unknown {
  const { code, name, message } = error as NodeJS.ErrnoException;
  if (error instanceof PullError) return error;
  if (name === 'AbortError')
    return new PullError('stopped', 'The pull was stopped', 'Run the same command again to continue.', {
      cause: error,
    });
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const advice = 'Free some space, or set DATA_DIR to a larger disk. The bytes received are stored.';
    return new PullError('no_space', `The disk of ${directory} is full`, advice, { cause: error });
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ERR_SQLITE_ERROR') {
    const advice = 'Make it writable for this user, or set DATA_DIR to a local directory that is.';
    return new PullError('disk', `Cannot write in ${directory}: ${message}`, advice, { cause: error });
  }
  return error;
}
