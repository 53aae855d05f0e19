import type { Readable } from 'node:stream';
import { Busboy, type BusboyHeaders } from '@fastify/busboy';
import type { Request } from 'express';
import { ServiceError } from '../shared/errors.ts';

/** A form: what was uploaded, and its text fields, each with all of its values. */
export interface Form {
  file: { name: string; bytes: Uint8Array } | undefined;
  fields: Map<string, string[]>;
}

/** Of one part: its name, its file name, its type. */
const partHeaders = { headerPairs: 20, headerSize: 8 * 1024 };

/** All fields of a form together: an image as a data URI has room, and a thousand texts. */
export const maxFieldBytes = 32 * 1024 * 1024;

/**
 * Reads a `multipart/form-data` body with at most one file.
 * @throws {ServiceError} `image.too_large`, `request.invalid`, `request.too_large`, `request.aborted`
 */
export async function readForm(request: Request, maxFileBytes: number): Promise<Form> {
  const form: Form = { file: undefined, fields: new Map() };
  let fieldBytes = 0;
  const headers = request.headers as BusboyHeaders;
  await new Promise<void>((resolve, reject) => {
    const invalid = (message: string, cause?: unknown) =>
      reject(new ServiceError('request.invalid', message, { cause }));
    let busboy: InstanceType<typeof Busboy>;
    try {
      busboy = new Busboy({
        headers,
        limits: {
          files: 1,
          fields: 1_100,
          parts: 1_110,
          fileSize: maxFileBytes,
          fieldSize: maxFieldBytes,
          fieldNameSize: 100,
          ...partHeaders,
        },
      });
    } catch (cause) {
      return invalid('The form cannot be read: its content type has no boundary', cause);
    }
    busboy.on('file', (name, stream) => {
      const parts: Buffer[] = [];
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('limit', () => {
        reject(new ServiceError('image.too_large', `The upload has more than ${maxFileBytes} bytes`));
      });
      stream.on('end', () => {
        form.file = { name, bytes: Buffer.concat(parts) };
      });
    });
    busboy.on('field', (name, value, _nameTruncated, valueTruncated) => {
      fieldBytes += Buffer.byteLength(value);
      if (fieldBytes > maxFieldBytes) {
        return reject(
          new ServiceError('request.too_large', `The fields of the form have more than ${maxFieldBytes} bytes`),
        );
      }
      if (valueTruncated)
        return reject(new ServiceError('request.too_large', `The field ${name} has more than ${maxFieldBytes} bytes`));
      form.fields.set(name, [...(form.fields.get(name) ?? []), value]);
    });
    busboy.on('filesLimit', () => invalid('The form has more than one file'));
    busboy.on('fieldsLimit', () => invalid('The form has too many fields'));
    busboy.on('partsLimit', () => invalid('The form has too many parts'));
    busboy.on('error', (cause) => invalid('The form is malformed or incomplete', cause));
    busboy.on('finish', resolve);
    request.on('aborted', () => reject(new ServiceError('request.aborted', 'The upload ended before it was complete')));
    request.pipe(busboy);
  }).catch((error: unknown) => {
    request.unpipe();
    request.resume();
    throw error;
  });
  return form;
}

/** A file on its way. */
export interface Upload {
  /** Ends with an error when the connection does. */
  stream: Readable;
  filename: string;
  type: string;
}

/**
 * Opens the first file of a `multipart/form-data` body without reading it.
 * @throws {ServiceError} `request.invalid` when the form has none.
 */
export async function openUpload(request: Request): Promise<Upload> {
  return await new Promise<Upload>((resolve, reject) => {
    const refuse = (message: string, cause?: unknown) =>
      reject(new ServiceError('request.invalid', message, { cause }));
    let busboy: InstanceType<typeof Busboy>;
    try {
      busboy = new Busboy({
        headers: request.headers as BusboyHeaders,
        limits: { files: 1, fields: 0, parts: 1, ...partHeaders },
      });
    } catch (cause) {
      return refuse('The form cannot be read: its content type has no boundary', cause);
    }
    let opened: Readable | undefined;
    const cut = () => opened?.destroy(new ServiceError('request.aborted', 'The upload ended before it was complete'));
    busboy.on('file', (_name, stream, filename, _encoding, type) => {
      opened = stream;
      // It may fail before anybody has begun to read it; whoever does is told then.
      stream.on('error', () => {});
      resolve({ stream, filename: filename ?? '', type });
    });
    busboy.on('fieldsLimit', () => refuse('The options of an uploaded batch go into the query, not into the form'));
    busboy.on('partsLimit', () => {
      const message = 'The form has more than its file';
      opened?.destroy(new ServiceError('request.invalid', message));
      refuse(message);
      request.unpipe(busboy);
    });
    busboy.on('finish', () => refuse('The form has no file'));
    busboy.on('error', (cause) => {
      cut();
      refuse('The form is malformed or incomplete', cause);
    });
    request.on('close', () => {
      if (!request.complete) cut();
    });
    request.pipe(busboy);
  });
}
