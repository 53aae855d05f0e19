import { createReadStream } from 'node:fs';
import { type FileHandle, lstat, open, readdir, readFile, readlink, realpath, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import type { LayoutFile, RepoAt } from '../registry/layouts.ts';
import { type FileFacts, type Hub, nameOf } from './hub.ts';
import { PullError } from './pull-error.ts';

const isCommit = (revision: string) => /^[0-9a-f]{40}$/.test(revision);

/**
 * Returns a hub that reads from a directory: a cache of huggingface_hub (`models--<owner>--<name>/`), a directory with
 * such a cache in `hub/` (`$HF_HOME`), or plain folders (`<owner>/<name>/`). A cache names blobs by their SHA-256 or
 * git blob id. Of files in plain folders, only the size is known.
 */
export function folderHub(directory: string): Hub {
  /** Lists the directories that may contain a repository at a revision. */
  async function placesOf({ repo, revision }: RepoAt): Promise<{ path: string; commit?: string }[]> {
    const places: { path: string; commit?: string }[] = [];
    for (const root of [directory, join(directory, 'hub')]) {
      const cache = join(root, `models--${repo.replace('/', '--')}`);
      const commit = await commitIn(cache, revision);
      const at = (name: string) => join(cache, 'snapshots', name);
      if (commit !== undefined) places.push({ path: at(commit), commit });
      if (commit !== revision) places.push({ path: at(revision) });
    }
    return [...places, { path: join(directory, repo) }];
  }

  async function find(file: LayoutFile): Promise<{ path: string; facts: FileFacts }> {
    const places = (await placesOf(file)).map((place) => ({ ...place, path: join(place.path, file.path) }));
    for (const { path, commit } of places) {
      const found = await stat(path).catch(() => undefined);
      if (found?.isFile()) {
        const facts = { bytes: found.size, ...hashIn(await realpath(path)), ...(commit !== undefined && { commit }) };
        return { path, facts };
      }
      await requireNoDanglingLink(path, file);
    }
    if (!(await stat(directory).catch(() => undefined))?.isDirectory()) throw noDirectory(directory);
    const advice = `Copy the cache of a machine that has the model, or copy the files of the repository to ${join(directory, file.repo)}.`;
    throw new PullError('not_found', `${directory} has no ${nameOf(file)}`, advice);
  }

  return {
    name: directory,
    kind: 'folder',
    async list(place) {
      const places = await placesOf(place);
      const files = new Map<string, object>();
      for (const { path } of places) for (const name of await namesIn(path)) files.set(name, {});
      return { commit: places.find(({ commit }) => commit !== undefined)?.commit, files };
    },
    search: async () => undefined,
    facts: async (file) => (await find(file)).facts,
    async open(file, { offset }) {
      const { path, facts } = await find(file);
      const handle = await open(path).catch((cause) => {
        throw cannotRead(path, cause);
      });
      return { offset, total: facts.bytes, body: bytesOf(handle, path, offset) };
    },
  };
}

const noDirectory = (directory: string) =>
  new PullError(
    'not_found',
    `There is no directory ${directory}`,
    'Correct HF_OFFLINE_DIR, or HF_HOME with HF_HUB_OFFLINE: the directory contains a copied hub cache.',
  );

/** Links are included. The list is empty if the directory does not exist. */
async function namesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => relative(directory, join(parentPath, name)).replaceAll(sep, '/'));
}

/** The commit is the revision itself, or the content of its file in `refs`. */
async function commitIn(cache: string, revision: string): Promise<string | undefined> {
  if (isCommit(revision)) return revision;
  const ref = (await readFile(join(cache, 'refs', revision), 'utf8').catch(() => '')).trim();
  return isCommit(ref) ? ref : undefined;
}

/** A blob's name has 64 digits for files in the stores LFS and Xet, and 40 digits for files in git. */
function hashIn(path: string): FileFacts {
  const name = basename(path);
  if (/^[0-9a-f]{64}$/.test(name)) return { sha256: name };
  return isCommit(name) ? { gitBlob: name } : {};
}

async function requireNoDanglingLink(path: string, file: LayoutFile): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (!found?.isSymbolicLink()) return;
  throw new PullError(
    'not_found',
    `${path} is a link to ${await readlink(path)}, which does not exist: ${nameOf(file)} was copied without its content`,
    'Copy the whole cache with its folder `blobs` (`cp -a`, `rsync -a`), or copy the files behind the links (`cp -L`).',
  );
}

async function* bytesOf(handle: FileHandle, path: string, start: number): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { fd: handle, start, highWaterMark: 1024 * 1024 });
  } catch (cause) {
    throw cannotRead(path, cause);
  } finally {
    await handle.close().catch(() => undefined);
  }
}

const cannotRead = (path: string, cause: unknown) =>
  new PullError('disk', `Cannot read ${path}: ${(cause as Error).message}`, 'Make it readable for this user.', {
    cause,
  });
