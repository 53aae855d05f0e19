import { openAsBlob } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { called } from '../shared/called.ts';
import { CommandError, failureOf, UsageError } from './failures.ts';

/** An image in an argument: an address or data URI, or the content of a file or of stdin. */
export type TypedImage = { source: string } | { blob: Blob; name: string };

/**
 * Reads the image that an argument names.
 * @param argument an http(s) address, a data URI, a path, or `-` for stdin.
 * @throws {UsageError} for a file that does not exist.
 */
export async function readImageArgument(argument: string): Promise<TypedImage> {
  if (/^(https?|data):/i.test(argument)) return { source: argument };
  if (argument === '-') {
    const bytes = await buffer(process.stdin);
    if (bytes.length === 0) throw new UsageError('stdin is empty; it must contain an image');
    return { blob: new Blob([new Uint8Array(bytes)]), name: 'stdin' };
  }
  const path = argument.startsWith('file://') ? fileURLToPath(argument) : argument;
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) {
    throw new UsageError(
      found === undefined
        ? `${argument} is neither an address nor an existing file`
        : `${argument} is ${found.isDirectory() ? 'a directory, not an image file' : 'not a regular file'}; to score many images see \`${called} batch --help\``,
    );
  }
  return { blob: await openAsBlob(path), name: basename(path) };
}

export async function toSource(image: TypedImage): Promise<string | { base64: string }> {
  if ('source' in image) return image.source;
  return { base64: Buffer.from(await image.blob.arrayBuffer()).toString('base64') };
}

/** Runs a request, and names the image in an error of this image: the service does not know the name of a file. */
export async function namingImage<Value>(argument: string, run: () => Promise<Value>): Promise<Value> {
  try {
    return await run();
  } catch (error) {
    const { code, message, advice, exitCode } = failureOf(error);
    if (!code.startsWith('image.')) throw error;
    const name = argument === '-' ? 'stdin' : /^data:/i.test(argument) ? 'The data URI' : argument;
    throw new CommandError(code, `${name}: ${message}`, {
      advice: advice ?? undefined,
      exitCode,
      cause: error,
    });
  }
}
