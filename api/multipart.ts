import { PassThrough, type Readable } from 'node:stream';
import { Busboy, type BusboyConfig, type BusboyHeaders } from '@fastify/busboy';
import type { Request } from 'express';
import { ServiceError } from '../shared/errors.ts';

/** A form with its file and its text fields. A field may have several values. */
export interface Form {
  file: { name: string; bytes: Uint8Array } | undefined;
  fields: Map<string, string[]>;
}

/** Limits for the headers of one part: field name, file name and type. */
const partHeaders = { headerPairs: 20, headerSize: 8 * 1024 };

/** The maximum bytes of all fields of a form: enough for an image as a data URI and a thousand texts. */
export const maxFieldBytes = 32 * 1024 * 1024;

/**
 * Reads a `multipart/form-data` body with at most one file.
 * @throws {ServiceError} `image.too_large`, `request.invalid`, `request.too_large`, `request.aborted`
 */
export async function readForm(request: Request, maxFileBytes: number): Promise<Form> {
  const form: Form = { file: undefined, fields: new Map() };
  let fieldBytes = 0;
  const busboy = parserOf(request, {
    files: 1,
    fields: 1_100,
    parts: 1_110,
    fileSize: maxFileBytes,
    fieldSize: maxFieldBytes,
    ...partHeaders,
  });
  await new Promise<void>((resolve, reject) => {
    const tooLarge = (message: string) => reject(new ServiceError('request.too_large', message));
    const invalid = (message: string) => reject(new ServiceError('request.invalid', message));
    busboy.on('file', (name, stream) => {
      const parts: Buffer[] = [];
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('limit', () => {
        reject(new ServiceError('image.too_large', `The upload exceeds ${maxFileBytes} bytes`));
      });
      // When the body ends inside the file, the file's stream fails too, not only the form.
      stream.on('error', (cause) => reject(damaged(cause)));
      stream.on('end', () => {
        form.file = { name, bytes: Buffer.concat(parts) };
      });
    });
    busboy.on('field', (name, value, _nameTruncated, valueTruncated) => {
      fieldBytes += Buffer.byteLength(value);
      if (fieldBytes > maxFieldBytes || valueTruncated) {
        return tooLarge(`The fields of the form exceed ${maxFieldBytes} bytes`);
      }
      const values = form.fields.get(name);
      if (values === undefined) form.fields.set(name, [value]);
      else values.push(value);
    });
    busboy.on('filesLimit', () => invalid('The form has more than one file'));
    busboy.on('fieldsLimit', () => invalid('The form has too many fields'));
    busboy.on('partsLimit', () => invalid('The form has too many parts'));
    busboy.on('error', (cause) => reject(damaged(cause)));
    busboy.on('finish', resolve);
    feed(request, busboy, reject);
  }).catch((error: unknown) => {
    request.unpipe(busboy);
    request.resume();
    throw error;
  });
  return form;
}

/** A file that is still arriving. */
export interface Upload {
  /** Ends when the whole form has been read. Fails with a `ServiceError` when the form is cut short or malformed. */
  stream: Readable;
  filename: string;
  type: string;
}

/**
 * Opens the first file of a `multipart/form-data` body without reading it.
 * @throws {ServiceError} `request.invalid` when the form has none.
 */
export async function openUpload(request: Request): Promise<Upload> {
  const busboy = parserOf(request, { files: 1, fields: 0, parts: 1, ...partHeaders });
  // The parser's own stream fails with the parser's errors, and ends before the form is known to be complete.
  const stream = new PassThrough();
  // An error before the first read reaches the reader later; it must not crash the process.
  stream.on('error', () => {});
  return await new Promise<Upload>((resolve, reject) => {
    const fail = (error: ServiceError) => {
      stream.destroy(error);
      reject(error);
    };
    const refuse = (message: string) => fail(new ServiceError('request.invalid', message));
    busboy.on('file', (_name, file, filename, _encoding, type) => {
      file.on('error', (cause) => fail(damaged(cause)));
      file.pipe(stream, { end: false });
      resolve({ stream, filename: filename ?? '', type });
    });
    busboy.on('fieldsLimit', () => refuse('The options of an uploaded batch belong in the query, not in the form'));
    busboy.on('partsLimit', () => refuse('The form may have one file and nothing else'));
    busboy.on('error', (cause) => fail(damaged(cause)));
    busboy.on('finish', () => {
      stream.end();
      reject(new ServiceError('request.invalid', 'The form has no file'));
    });
    // When the reader stops, the rest of the form must not pile up in the parser.
    stream.on('close', () => request.unpipe(busboy));
    feed(request, busboy, fail);
  });
}

/** @throws {ServiceError} `request.invalid` */
function parserOf(request: Request, limits: NonNullable<BusboyConfig['limits']>): InstanceType<typeof Busboy> {
  try {
    return new Busboy({ headers: request.headers as BusboyHeaders, limits });
  } catch (cause) {
    const message = 'The form cannot be read: its content type has no boundary';
    throw new ServiceError('request.invalid', message, { cause });
  }
}

const damaged = (cause: unknown) =>
  new ServiceError('request.invalid', 'The form is malformed or incomplete', { cause });

/** Pipes a request into its parser. Calls `fail` when the connection ends before the body is complete. */
function feed(request: Request, busboy: InstanceType<typeof Busboy>, fail: (error: ServiceError) => void): void {
  const aborted = () => new ServiceError('request.aborted', 'The upload ended before it was complete');
  request.on('error', () => fail(aborted()));
  request.on('close', () => {
    if (!request.complete) fail(aborted());
  });
  request.pipe(busboy);
  // The pipe ends with the form. Bytes after the last boundary must be read, or they block the connection's next request.
  busboy.on('finish', () => request.resume());
}
