import type { IncomingMessage } from 'node:http';
import express, { type RequestHandler } from 'express';
import { declaredEncoding, decodeWhole, undecodable } from '../../formats/text.ts';
import { ServiceError } from '../../shared/errors.ts';
import { withoutHalfPairs } from '../../shared/exact-json.ts';
import { maxJsonDepth, maxJsonKeys, shapeFaultOf } from '../../shared/json-shape.ts';

/**
 * The maximum size of a JSON body in bytes. Parsing a body of this size blocks the event loop for about 0.2 s. NDJSON
 * has no such limit.
 */
export const maxJsonBytes = 32 * 1024 * 1024;

/**
 * The original bytes of parsed bodies. They are needed for hashing and for exact parsing, and are freed with the
 * request.
 */
const rawBodies = new WeakMap<IncomingMessage, Buffer>();
export const rawBodyOf = (request: IncomingMessage): Buffer => rawBodies.get(request) ?? Buffer.alloc(0);

/** Returns the original text of a request body that was parsed as JSON. */
export const jsonTextOf = (request: IncomingMessage): string =>
  decodeWhole(rawBodyOf(request), declaredEncoding(undefined, request.headers['content-type'])).text;

/**
 * Creates a middleware that reads a JSON body of at most `maxBytes` bytes. Other content types are refused, because
 * Express would treat them as an empty body. Types that end in `+json` are refused too, because each names a different
 * format.
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
 * Parses a JSON body. First it refuses a body whose nesting or number of keys would make parsing expensive. @throws
 * {ServiceError} `request.*`
 */
function parse(request: IncomingMessage, bytes: Buffer): unknown {
  rawBodies.set(request, bytes);
  // A missing body counts as an empty object, so that the error message names the missing fields.
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

/** The JSON parser of all routes except the sign-in. */
export const jsonBody = createJsonBody(maxJsonBytes);
