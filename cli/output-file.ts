import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { UsageError } from './failures.ts';

export interface OutputCheck {
  /** The files that the command reads, which the output must not overwrite. */
  inputs?: readonly string[];
  force?: boolean | undefined;
  /** True when the existing file is the output of an earlier run, and may be replaced. */
  isOwn?: boolean;
}

/**
 * Checks that a command may write an output file.
 * @throws {UsageError} when the file is an input of the command, exists already, or cannot be written.
 */
export async function checkOutput(file: string, { inputs = [], force = false, isOwn = false }: OutputCheck = {}) {
  const found = await stat(file).catch(() => undefined);
  for (const input of inputs) {
    const read = await stat(input).catch(() => undefined);
    // Two paths may lead to the same file, for example through a link.
    if (found !== undefined && read?.ino === found.ino && read.dev === found.dev)
      throw new UsageError(`${file} is the input; name another file with --out`);
  }
  if (found?.isDirectory()) throw new UsageError(`${file} is a directory; name a file with --out`);
  if (found !== undefined && !found.isFile())
    throw new UsageError(`${file} is not a regular file; use --out - to write to stdout`);
  if (found !== undefined && !force && !isOwn) throw new UsageError(`${file} exists; --force replaces it`);
  await access(found === undefined ? dirname(file) : file, constants.W_OK).catch((error: NodeJS.ErrnoException) => {
    throw cannotWrite(file, error);
  });
}

const reasons: Record<string, string> = {
  ENOENT: 'its directory does not exist; create it first',
  ENOTDIR: 'its parent is not a directory',
  EACCES: 'permission denied; choose a directory that you may write',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EISDIR: 'it is a directory',
};

export function cannotWrite(file: string, { code = 'unknown error' }: NodeJS.ErrnoException): UsageError {
  return new UsageError(`Cannot write ${file}: ${reasons[code] ?? code}`);
}

export function cannotRead(file: string, { code = 'unknown error' }: NodeJS.ErrnoException): UsageError {
  if (code === 'ENOENT') return new UsageError(`There is no file ${file}; check its name and the current directory`);
  if (code === 'EACCES')
    return new UsageError(`Cannot read ${file}: permission denied; \`ls -l\` shows its permissions`);
  return new UsageError(`Cannot read ${file}: ${reasons[code] ?? code}`);
}

export async function checkResultFile(
  { out, force }: { out?: string | undefined; force?: boolean | undefined },
  inputs: readonly (string | undefined)[] = [],
): Promise<void> {
  if (out === undefined || out === '-') return;
  await checkOutput(out, { force, inputs: inputs.filter((input) => input !== undefined) });
}
