import type { IncomingMessage } from 'node:http';
import express, { type RequestHandler } from 'express';
import { declaredEncoding, decodeWhole, undecodable } from '../../formats/text.ts';
import { ServiceError } from '../../shared/errors.ts';
import { withoutHalfPairs } from '../../shared/exact-json.ts';
import { maxJsonDepth, maxJsonKeys, shapeFaultOf } from '../../shared/json-shape.ts';

/** The maximum size of a JSON body in bytes. Parsing that much blocks the event loop for about 0.2 s. */
export const maxJsonBytes = 32 * 1024 * 1024;

/** The original bytes of parsed bodies, for hashing and exact parsing. */
const rawBodies = new WeakMap<IncomingMessage, Buffer>();
export const rawBodyOf = (request: IncomingMessage): Buffer => rawBodies.get(request) ?? Buffer.alloc(0);

/** Returns the original text of a JSON body. */
export const jsonTextOf = (request: IncomingMessage): string =>
  decodeWhole(rawBodyOf(request), declaredEncoding(undefined, request.headers['content-type'])).text;

/**
 * Creates a middleware that reads a JSON body of at most `maxBytes`. It refuses other content types, which Express
 * would treat as an empty body. Types that end in `+json` name other formats.
 */
export function createJsonBody(maxBytes: number): RequestHandler {
  const read = express.raw({ limit: maxBytes, type: () => true });
  return (request, response, next) => {
    if (!request.is('json')) {
      const given = request.get('content-type') ?? 'none';
      throw new ServiceError(
        'request.unsupported_media_type',
        `The content type must be application/json, not ${given}`,
      );
    }
    read(request, response, (error?: unknown) => {
      if (error !== undefined) return next(error);
      try {
        if (Buffer.isBuffer(request.body)) request.body = parse(request, request.body);
        next();
      } catch (fault) {
        next(fault);
      }
    });
  };
}

/**
 * Parses a JSON body. Nesting and key counts are checked first, because they can make parsing expensive.
 * @throws {ServiceError} `request.*`
 */
function parse(request: IncomingMessage, bytes: Buffer): unknown {
  rawBodies.set(request, bytes);
  // A missing body counts as `{}`, so that the error names the missing fields.
  if (bytes.length === 0) return {};
  const { text, encoding } = decodeWhole(bytes, declaredEncoding(undefined, request.headers['content-type']));
  if (!text.isWellFormed()) {
    throw new ServiceError('request.encoding', `The body is not ${encoding}: ${undecodable(text, encoding)}`);
  }
  const fault = shapeFaultOf(text);
  if (fault === 'too_deep') {
    throw new ServiceError(
      'request.too_deep',
      `The body is nested too deeply: at most ${maxJsonDepth} levels are allowed`,
    );
  }
  if (fault === 'too_wide') {
    throw new ServiceError(
      'request.invalid',
      `The body has an object with too many keys: at most ${maxJsonKeys} are allowed`,
    );
  }
  try {
    return JSON.parse(withoutHalfPairs(text));
  } catch (cause) {
    throw new ServiceError('request.malformed_json', `The body is not JSON: ${(cause as Error).message}`, { cause });
  }
}

export const jsonBody = createJsonBody(maxJsonBytes);
