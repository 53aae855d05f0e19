import { openAsBlob } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { UsageError } from './failures.ts';

/** An image as it is typed: an address, a file, or what comes on stdin. */
export type TypedImage = { source: string } | { blob: Blob; name: string };

/**
 * @param argument http(s) address, data URI, path, or `-`.
 * @throws {UsageError} for a file that is not there.
 */
export async function readImageArgument(argument: string): Promise<TypedImage> {
  if (/^(https?|data):/i.test(argument)) return { source: argument };
  if (argument === '-') {
    const bytes = await buffer(process.stdin);
    if (bytes.length === 0) throw new UsageError('There is no image on stdin');
    return { blob: new Blob([new Uint8Array(bytes)]), name: 'stdin' };
  }
  const path = argument.startsWith('file://') ? fileURLToPath(argument) : argument;
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) {
    throw new UsageError(
      found === undefined
        ? `${argument} is neither an address nor a file that is here`
        : `${argument} is not a file; for many images see \`vls batch --help\``,
    );
  }
  return { blob: await openAsBlob(path), name: basename(path) };
}

/** For a request in JSON. */
export async function toSource(image: TypedImage): Promise<string | { base64: string }> {
  if ('source' in image) return image.source;
  return { base64: Buffer.from(await image.blob.arrayBuffer()).toString('base64') };
}
