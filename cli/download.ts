import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import type { ServiceClient } from './client.ts';
import { cannotWrite } from './output-file.ts';

/**
 * Writes the body of a response to a file, which gets its name only when it is complete.
 * @param onBytes called with each part of the body.
 * @returns the length of the file in bytes.
 */
export async function saveResponse(
  response: Response,
  file: string,
  client: ServiceClient,
  onBytes: (bytes: Uint8Array) => void = () => {},
): Promise<number> {
  const part = `${file}.part`;
  try {
    const seen = async function* (parts: AsyncIterable<Uint8Array>) {
      for await (const bytes of parts) {
        onBytes(bytes);
        yield bytes;
      }
    };
    await pipeline(readable(response), seen, createWriteStream(part, { flush: true }));
    await rename(part, file);
    return (await stat(file)).size;
  } catch (error) {
    await rm(part, { force: true });
    throw asFailure(error, file, client);
  }
}

/** Copies the body of a response to a stream. A reader that stops early (`| head`) causes no error. */
export async function printResponse(
  response: Response,
  stream: NodeJS.WriteStream,
  client: ServiceClient,
): Promise<void> {
  try {
    await pipeline(readable(response), stream, { end: false });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EPIPE' && code !== 'ERR_STREAM_PREMATURE_CLOSE') throw asFailure(error, 'stdout', client);
  }
}

const readable = ({ body }: Response): Readable =>
  body === null ? Readable.from([]) : Readable.fromWeb(body as ReadableStream<Uint8Array>);

function asFailure(error: unknown, file: string, { unreachable }: ServiceClient): unknown {
  // When a connection ends in the middle of a body, fetch throws a TypeError.
  if (error instanceof TypeError) return unreachable(error);
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined ? error : cannotWrite(file, error as NodeJS.ErrnoException);
}
