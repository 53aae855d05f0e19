import { PassThrough, type Readable } from 'node:stream';
import { Busboy, type BusboyConfig, type BusboyHeaders, type Dicer } from '@fastify/busboy';
import type { Request } from 'express';
import { declaredEncoding, decodeWhole, undecodable } from '../formats/text.ts';
import { ServiceError } from '../shared/errors.ts';

/** A form with at most one file. A field may have several values. */
export interface Form {
  file: { name: string; bytes: Uint8Array } | undefined;
  fields: Map<string, string[]>;
}

const partHeaders = { headerPairs: 20, headerSize: 8 * 1024 };

/** The maximum bytes of all fields together: an image as a data URI and a thousand texts. */
export const maxFieldBytes = 32 * 1024 * 1024;
const maxFields = 1_100;

interface Part {
  name: string;
  contentType: string;
  chunks: Buffer[];
}

/**
 * Reads a `multipart/form-data` body with at most one file. Fields are decoded with the charset of their own headers,
 * else of the form field `_charset_`, else UTF-8.
 * @throws {ServiceError} `image.too_large`, `request.invalid`, `request.encoding`, `request.unsupported_media_type`,
 * `request.too_large`, `request.aborted`
 */
export async function readForm(request: Request, maxFileBytes: number): Promise<Form> {
  let file: Part | undefined;
  const fields: Part[] = [];
  let fieldBytes = 0;
  // Fields are read like files, because Busboy replaces invalid bytes of fields by U+FFFD.
  const busboy = parserOf(request, { files: maxFields + 10, parts: maxFields + 10, ...partHeaders }, () => true);
  const contentTypeOf = followContentTypes(busboy);
  await new Promise<void>((resolve, reject) => {
    const invalid = (message: string) => reject(new ServiceError('request.invalid', message));
    busboy.on('file', (name, stream, filename, transferEncoding, type) => {
      const part: Part = { name, contentType: contentTypeOf(), chunks: [] };
      const isFile = filename !== undefined || type === 'application/octet-stream';
      // The stream of a part fails when the body ends inside that part.
      stream.on('error', (cause) => reject(damaged(cause)));
      const failure = refusedTransferEncoding(transferEncoding);
      if (failure !== undefined) reject(failure);
      if (isFile) {
        if (file !== undefined) invalid('The form has more than one file');
        file = part;
      } else if (fields.push(part) > maxFields) invalid('The form has too many fields');
      let fileBytes = 0;
      stream.on('data', (chunk: Buffer) => {
        if (isFile) fileBytes += chunk.length;
        else fieldBytes += chunk.length;
        if (fileBytes > maxFileBytes) {
          return reject(new ServiceError('image.too_large', `The upload exceeds ${maxFileBytes} bytes`));
        }
        if (fieldBytes > maxFieldBytes) {
          const message = `The fields of the form exceed ${maxFieldBytes} bytes`;
          return reject(new ServiceError('request.too_large', message));
        }
        part.chunks.push(chunk);
      });
    });
    busboy.on('filesLimit', () => invalid('The form has too many parts'));
    busboy.on('partsLimit', () => invalid('The form has too many parts'));
    busboy.on('error', (cause) => reject(damaged(cause)));
    busboy.on('finish', resolve);
    feed(request, busboy, reject);
  }).catch((error: unknown) => {
    request.unpipe(busboy);
    request.resume();
    throw error;
  });
  const read: Form['file'] = file && { name: (file as Part).name, bytes: Buffer.concat((file as Part).chunks) };
  return { file: read, fields: decodeFields(fields) };
}

/** Names the charset of the other fields: https://html.spec.whatwg.org/#attr-fe-name-charset */
const charsetField = '_charset_';

/** @throws {ServiceError} `request.encoding`, `request.unsupported_media_type` */
function decodeFields(parts: readonly Part[]): Map<string, string[]> {
  const ofForm = parts.find(({ name }) => name === charsetField);
  const formCharset = ofForm && Buffer.concat(ofForm.chunks).toString('latin1');
  const fields = new Map<string, string[]>();
  for (const { name, contentType, chunks } of parts) {
    if (name === charsetField) continue;
    const charset = declaredEncoding(undefined, contentType) ?? declaredEncoding(formCharset) ?? 'utf-8';
    const { text, encoding } = decodeWhole(Buffer.concat(chunks), charset);
    if (!text.isWellFormed()) {
      const advice = 'send UTF-8, or name the charset in the Content-Type of the part';
      const message = undecodable(text, encoding, advice);
      throw new ServiceError('request.encoding', `${name}: ${message}`, { faults: [{ path: name, message }] });
    }
    fields.set(name, [...(fields.get(name) ?? []), text]);
  }
  return fields;
}

/** Returns an error for base64 or quoted-printable. RFC 7578 deprecates both, and Busboy does not decode them. */
function refusedTransferEncoding(encoding: string): ServiceError | undefined {
  if (['7bit', '8bit', 'binary'].includes(encoding)) return undefined;
  const message = `The content transfer encoding ${encoding.slice(0, 40)} of a part is not supported; send its bytes as they are`;
  return new ServiceError('request.unsupported_media_type', message);
}

/** A file in a form whose body is still arriving. */
export interface Upload {
  /**
   * Ends only when the whole form has been read. Fails with a `ServiceError` when the form is incomplete or malformed.
   */
  stream: Readable;
  filename: string;
  type: string;
  /** The Content-Type of the file with all parameters, or an empty string. */
  contentType: string;
}

/**
 * Opens the first file of a `multipart/form-data` body without reading it.
 * @throws {ServiceError} `request.invalid` when the form has no file.
 */
export async function openUpload(request: Request): Promise<Upload> {
  const busboy = parserOf(request, { files: 1, fields: 0, parts: 1, ...partHeaders });
  const contentTypeOf = followContentTypes(busboy);
  // Busboy's own stream emits errors of other types than `ServiceError`, and ends before the form is known to be
  // complete.
  const stream = new PassThrough();
  // An error before the first read is delivered at that read. Without a listener it would crash the process.
  stream.on('error', () => {});
  return await new Promise<Upload>((resolve, reject) => {
    const fail = (error: ServiceError) => {
      stream.destroy(error);
      reject(error);
    };
    const refuse = (message: string) => fail(new ServiceError('request.invalid', message));
    busboy.on('file', (_name, file, filename, transferEncoding, type) => {
      file.on('error', (cause) => fail(damaged(cause)));
      const failure = refusedTransferEncoding(transferEncoding);
      if (failure !== undefined) {
        file.resume();
        return fail(failure);
      }
      file.pipe(stream, { end: false });
      resolve({ stream, filename: filename ?? '', type, contentType: contentTypeOf() });
    });
    busboy.on('fieldsLimit', () => refuse('The options of an uploaded batch belong in the query, not in the form'));
    busboy.on('partsLimit', () => refuse('The form may have one file and nothing else'));
    busboy.on('error', (cause) => fail(damaged(cause)));
    busboy.on('finish', () => {
      stream.end();
      reject(new ServiceError('request.invalid', 'The form has no file'));
    });
    // Without this, Busboy would store further bytes in memory after the reader has stopped.
    stream.on('close', () => request.unpipe(busboy));
    feed(request, busboy, fail);
  });
}

const streamedFields = { fields: 20, fieldSize: 1_024, parts: 21 };

/**
 * Reads a form with one streamed file and some short fields, in any order.
 * @param take reads the file; called once. Its `fields` are complete when the stream has ended.
 * @returns the result of `take`.
 * @throws {ServiceError} `request.invalid`, `request.aborted`; the error of `take`.
 */
export async function streamForm<Taken>(
  request: Request,
  take: (stream: Readable, facts: { fields: ReadonlyMap<string, string>; filename: string }) => Promise<Taken>,
): Promise<Taken> {
  const busboy = parserOf(request, { files: 1, ...streamedFields, ...partHeaders });
  const stream = new PassThrough();
  stream.on('error', () => {});
  const fields = new Map<string, string>();
  const taken = Promise.withResolvers<Taken>();
  let hasFile = false;
  const fail = (error: unknown) => {
    stream.destroy(error as Error);
    taken.reject(error);
    request.unpipe(busboy);
    request.resume();
  };
  const refuse = (message: string) => fail(new ServiceError('request.invalid', message));
  busboy.on('field', (name, value) => fields.set(name, value));
  busboy.on('file', (_name, file, filename, transferEncoding) => {
    file.on('error', (cause) => fail(damaged(cause)));
    const failure = refusedTransferEncoding(transferEncoding);
    hasFile = true;
    if (failure !== undefined) {
      file.resume();
      return fail(failure);
    }
    file.pipe(stream, { end: false });
    take(stream, { fields, filename: filename ?? '' }).then(taken.resolve, fail);
  });
  busboy.on('fieldsLimit', () => refuse('The form has too many fields'));
  busboy.on('partsLimit', () => refuse('The form may have one file and some fields'));
  busboy.on('filesLimit', () => refuse('The form has more than one file'));
  busboy.on('error', (cause) => fail(damaged(cause)));
  busboy.on('finish', () => {
    stream.end();
    if (!hasFile) refuse('The form has no file');
  });
  feed(request, busboy, fail);
  return await taken.promise;
}

type Parser = InstanceType<typeof Busboy>;

/** Creates the multipart parser of a request. @throws {ServiceError} `request.invalid` */
function parserOf(
  request: Request,
  limits: NonNullable<BusboyConfig['limits']>,
  isPartAFile?: BusboyConfig['isPartAFile'],
): Parser {
  try {
    return new Busboy({ headers: request.headers as BusboyHeaders, limits, ...(isPartAFile && { isPartAFile }) });
  } catch (cause) {
    const message = 'The form cannot be read: its content type has no boundary';
    throw new ServiceError('request.invalid', message, { cause });
  }
}

/**
 * Returns a function that returns the full Content-Type of the latest part. Busboy drops parameters such as the
 * charset, so its internal header parser is read.
 */
function followContentTypes(busboy: Parser): () => string {
  let contentType = '';
  const { parser } = (busboy as unknown as { _parser: { parser: Dicer } })._parser;
  parser.prependListener('part', (part) => {
    part.on('header', (headers: Record<string, string[]>) => {
      contentType = headers['content-type']?.[0] ?? '';
    });
  });
  return () => contentType;
}

const damaged = (cause: unknown) =>
  new ServiceError('request.invalid', 'The form is malformed or incomplete', { cause });

/** Calls `fail` when the connection ends before the body is complete. */
function feed(request: Request, busboy: Parser, fail: (error: ServiceError) => void): void {
  const aborted = () => new ServiceError('request.aborted', 'The upload ended before it was complete');
  request.on('error', () => fail(aborted()));
  request.on('close', () => {
    if (!request.complete) fail(aborted());
  });
  request.pipe(busboy);
  // The pipe stops at the form's last boundary. Unread bytes after it would block the next request on this connection.
  busboy.on('finish', () => request.resume());
}
