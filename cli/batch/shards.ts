import { existsSync } from 'node:fs';
import * as disk from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { UsageError } from '../failures.ts';
import { outputBeside } from './output-name.ts';
import { isReference } from './reference.ts';

const maxShards = 100_000;

/**
 * Expands names and patterns to files, in the order of the patterns. `{00000..00127}` is a range whose files must all
 * exist; `{a,b}` is a list. `*`, `?` and `**` match existing files, in alphabetical order.
 * @throws {UsageError} for a pattern without a matching file, and for a file that occurs twice.
 */
export async function expandShards(patterns: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const pattern of patterns) {
    const names = existsSync(pattern) ? [pattern] : bracesOf(pattern);
    for (const name of names) {
      if (isReference(name) || existsSync(name) || !/[*?]/.test(name)) files.push(name);
      else files.push(...(await matchesOf(name)));
      if (files.length > maxShards) throw new UsageError(`${pattern} matches more than ${maxShards} files`);
    }
  }
  const seen = new Set<string>();
  for (const file of files) {
    const path = isReference(file) ? file : resolve(file);
    if (seen.has(path)) throw new UsageError(`${file} is given twice`);
    seen.add(path);
  }
  return files;
}

async function matchesOf(pattern: string): Promise<string[]> {
  // The standalone command line also runs on Node 20, which has no `glob`.
  if (disk.glob === undefined) {
    throw new UsageError(
      `Expanding the pattern ${pattern} needs Node 22 or newer. On an older version, write the pattern without quotes, so that the shell expands it`,
    );
  }
  const found: string[] = [];
  for await (const name of disk.glob(pattern)) found.push(name);
  if (found.length === 0) throw new UsageError(`No file matches ${pattern}`);
  return found.sort();
}

/** Expands the braces in a name, from left to right. Braces without a range or a list stay unchanged. */
function bracesOf(name: string): string[] {
  const [all, body = ''] = /\{(\d+\.\.\d+|[^{}]*,[^{}]*)\}/.exec(name) ?? [];
  if (all === undefined) return [name];
  const at = name.indexOf(all);
  const parts = body.includes(',') ? body.split(',') : rangeOf(body);
  const tails = bracesOf(name.slice(at + all.length));
  if (parts.length * tails.length > maxShards) throw new UsageError(`${name} expands to more than ${maxShards} files`);
  return parts.flatMap((part) => tails.map((tail) => `${name.slice(0, at)}${part}${tail}`));
}

/** Returns the numbers of a range, padded to the width of its ends: `08..10` gives 08, 09 and 10. */
function rangeOf(body: string): string[] {
  const [first = '', last = ''] = body.split('..');
  const count = Number(last) - Number(first) + 1;
  if (count < 1) throw new UsageError(`{${body}} is not a range: its end is smaller than its start`);
  if (count > maxShards) throw new UsageError(`{${body}} expands to more than ${maxShards} files`);
  return Array.from({ length: count }, (_, at) => String(Number(first) + at).padStart(first.length, '0'));
}

/**
 * Returns the output file of each input file: next to it, or in `folder`, which is created if needed.
 * @throws {UsageError} when two inputs would have the same output, or when `folder` is a file.
 */
export async function outputsOf(files: readonly string[], folder: string | undefined): Promise<string[]> {
  if (folder === undefined) return files.map(outputBeside);
  if ((await disk.stat(folder).catch(() => undefined))?.isFile()) {
    throw new UsageError(`${folder} is a file; with several input files, --out must name a folder`);
  }
  await disk.mkdir(folder, { recursive: true });
  const outputs = files.map((file) => join(folder, basename(outputBeside(file))));
  const twice = outputs.find((output, at) => outputs.indexOf(output) !== at);
  if (twice !== undefined)
    throw new UsageError(`Two input files would be scored into the same output ${twice}; rename one of them`);
  return outputs;
}
