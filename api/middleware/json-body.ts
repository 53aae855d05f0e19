import type { IncomingMessage } from 'node:http';
import express, { type RequestHandler } from 'express';
import { declaredEncoding, decodeWhole, undecodable } from '../../formats/text.ts';
import { ServiceError } from '../../shared/errors.ts';
import { withoutHalfPairs } from '../../shared/exact-json.ts';
import { maxJsonDepth, maxJsonKeys, shapeFaultOf } from '../../shared/json-shape.ts';

/** Largest JSON body: parsing it stops the event loop for about a fifth of a second. NDJSON has no such limit. */
export const maxJsonBytes = 32 * 1024 * 1024;

/** The bytes behind a parsed body, for whoever must compare or hash them; forgotten with the request. */
const rawBodies = new WeakMap<IncomingMessage, Buffer>();
export const rawBodyOf = (request: IncomingMessage): Buffer => rawBodies.get(request) ?? Buffer.alloc(0);

/** The text of such a body, decoded. */
export const jsonTextOf = (request: IncomingMessage): string =>
  decodeWhole(rawBodyOf(request), declaredEncoding(undefined, request.headers['content-type'])).text;

/**
 * Reads JSON bodies of at most so many bytes. Another content type is refused by name instead of being taken for an empty
 * body; so are those that end in `+json`, as each of them has a form of its own.
 */
export function createJsonBody(maxBytes: number): RequestHandler {
  const read = express.raw({ limit: maxBytes, type: () => true });
  return (request, response, next) => {
    if (!request.is('json')) {
      const given = request.get('content-type') ?? 'none';
      throw new ServiceError('request.unsupported_media_type', `The content type ${given} is not read here`);
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

/** @throws {ServiceError} `request.*`; what costs too much by being parsed is refused before. */
function parse(request: IncomingMessage, bytes: Buffer): unknown {
  rawBodies.set(request, bytes);
  // A client that has forgotten its body is answered by the contract.
  if (bytes.length === 0) return {};
  const { text, encoding } = decodeWhole(bytes, declaredEncoding(undefined, request.headers['content-type']));
  if (!text.isWellFormed()) {
    throw new ServiceError('request.encoding', `The body is not ${encoding}: ${undecodable(text, encoding)}`);
  }
  const fault = shapeFaultOf(text);
  if (fault === 'too_deep') {
    throw new ServiceError('request.too_deep', `A body may nest ${maxJsonDepth} levels deep`);
  }
  if (fault === 'too_wide') {
    throw new ServiceError('request.invalid', `An object of a body may have ${maxJsonKeys} keys`);
  }
  try {
    return JSON.parse(withoutHalfPairs(text));
  } catch (cause) {
    throw new ServiceError('request.malformed_json', `The body is not JSON: ${(cause as Error).message}`, { cause });
  }
}

/** Of the routes that evaluate. */
export const jsonBody = createJsonBody(maxJsonBytes);
