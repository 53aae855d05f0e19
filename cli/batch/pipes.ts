import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { formatOfFile, formats } from '../../shared/formats.ts';
import { UsageError } from '../failures.ts';
import { endingFor } from './output-name.ts';

export interface Piped {
  file: string;
  out: string | undefined;
}

export const inputFormats = formats.filter(({ isRead }) => isRead);
/** The formats of stdin, as the file endings that `--format` accepts. */
export const pipedFormats = inputFormats.flatMap(({ endings }) => endings);

export interface Pipes {
  /** The input file; `-` for stdin. */
  file: string;
  /** The output file; `-` for stdout, which is the default for stdin. */
  out: string | undefined;
  format: string | undefined;
}

/**
 * Runs a command with temporary files in place of pipes. The command reads the rows several times, and a pipe can be
 * read only once.
 */
export async function withPipes<Value>(
  { file, out, format }: Pipes,
  stdin: NodeJS.ReadableStream,
  stdout: NodeJS.WritableStream,
  run: (files: Piped, writesStdout: boolean) => Promise<Value>,
): Promise<Value> {
  const readsStdin = file === '-';
  const writesStdout = out === '-' || (readsStdin && out === undefined);
  if (!readsStdin && !writesStdout) return await run({ file, out }, false);
  if (readsStdin && format === undefined) {
    throw new UsageError(`stdin has no file name that shows its format; add --format ${pipedFormats.join(' | ')}`);
  }
  const directory = await mkdtemp(join(tmpdir(), 'vls-pipe-'));
  try {
    const input = readsStdin ? join(directory, `stdin.${format}`) : file;
    if (readsStdin) await pipeline(stdin, createWriteStream(input, { mode: 0o600 }));
    const output = writesStdout ? join(directory, `stdout.${endingFor(formatOfFile(input))}`) : out;
    const value = await run({ file: input, out: output }, writesStdout);
    if (writesStdout && output !== undefined) await pipeline(createReadStream(output), stdout, { end: false });
    return value;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
