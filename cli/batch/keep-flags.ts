import { readdir } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { called } from '../../shared/called.ts';
import { type FormatName, formatOfFile } from '../../shared/formats.ts';
import { readTop, type Top } from '../../shared/top.ts';
import { UsageError } from '../failures.ts';

export interface KeepFlags {
  /** The folder for the kept samples (image-text pairs of a shard). */
  keep?: string | undefined;
  minScore?: number | undefined;
  top?: Top | undefined;
}

export type Keeping = KeepFlags & { keep: string };

export interface Kept {
  folder: string;
  scored: number;
  kept: number;
  /** The lowest score among the kept samples; null when none is kept. */
  threshold: number | null;
  /** Samples kept beyond the number in --top, because they have the same score as the last one within it. */
  ties: number;
  /** The file with the ids of the kept samples, one on each line. The index stands for a missing id. */
  ids: string;
}

export function parseTop(text: string): Top {
  const top = readTop(text.trim());
  if (top !== undefined) return top;
  throw new InvalidArgumentError('Expected a share such as 30% or 0.3, or a whole number.');
}

/** The formats of which `--keep` can write a subset. */
const keptFormats = new Set<FormatName | undefined>(['tar', 'parquet']);

export const idsFile = 'ids.txt';

/**
 * Checks the flags of `--keep`, before anything is scored.
 * @throws {UsageError} when a flag is missing, when an input is neither tar nor Parquet, and when the folder contains
 * files that this command did not write.
 */
export async function checkKeeping(files: readonly string[], flags: KeepFlags): Promise<Keeping | undefined> {
  const { keep, minScore, top } = flags;
  const other = files.find((file) => !keptFormats.has(formatOfFile(file)?.format.name));
  if (keep === undefined) {
    if (minScore === undefined && top === undefined) return undefined;
    if (other !== undefined)
      throw new UsageError(`--min-score and --top work only with tar and Parquet files; ${insteadOf(other, flags)}`);
    throw new UsageError('--min-score and --top select the samples for --keep; add --keep DIR');
  }
  if (minScore === undefined && top === undefined) throw new UsageError('--keep needs --min-score or --top');
  if (other !== undefined)
    throw new UsageError(`--keep works only with tar and Parquet files; ${insteadOf(other, flags)}`);
  const names = new Set(files.map((file) => basename(file)));
  if (names.size < files.length) throw new UsageError('--keep needs input files with different names');
  if (files.some((file) => resolve(file) === resolve(keep, basename(file)))) {
    throw new UsageError(`${keep} is the folder of the input files; name another folder with --keep`);
  }
  const found: string[] = await readdir(keep).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new UsageError(`${keep} cannot be used as a folder (${error.code})`);
  });
  const isOwn = found.includes(idsFile) || found.includes(`${idsFile}.part`);
  if (found.length > 0 && !isOwn)
    throw new UsageError(`${keep} contains other files; name an empty folder with --keep`);
  return { ...flags, keep };
}

/** Names the command that selects the rows of a file of which `--keep` cannot write a subset. */
function insteadOf(file: string, { minScore, top }: KeepFlags): string {
  const least = minScore === undefined ? '' : ` --min-score ${minScore}`;
  const best =
    top === undefined ? '' : ` --top ${'count' in top ? top.count : `${Number((100 * top.share).toFixed(10))}%`}`;
  return `${file} is neither. Score it without these options; then \`${called} results ID${least}${best} --out kept.csv\` writes the selected rows of the batch`;
}

export function formatKept({ folder, scored, kept, threshold, ties }: Kept): string {
  const from = threshold === null ? '' : `, from a score of ${threshold}`;
  const equal =
    ties === 0 ? '' : `, ${ties} more than requested, because they have the same score as the last selected sample`;
  return `${folder}: ${kept} of ${scored} scored samples kept${from}${equal}\n`;
}
