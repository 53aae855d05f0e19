import type { IncomingMessage } from 'node:http';
import express, { type RequestHandler } from 'express';
import { ServiceError } from '../../shared/errors.ts';
import { maxJsonDepth, maxJsonKeys, shapeFaultOf } from '../../shared/json-shape.ts';

/** Largest JSON body: parsing it stops the event loop for about a fifth of a second. NDJSON has no such limit. */
export const maxJsonBytes = 32 * 1024 * 1024;

/** The bytes behind a parsed body, for whoever must compare or hash them; forgotten with the request. */
const rawBodies = new WeakMap<IncomingMessage, Buffer>();
export const rawBodyOf = (request: IncomingMessage): Buffer => rawBodies.get(request) ?? Buffer.alloc(0);

/**
 * Reads JSON bodies of at most so many bytes. Another content type is refused by name instead of being taken for an empty
 * body; so are those that end in `+json`, as each of them has a form of its own.
 */
export function createJsonBody(maxBytes: number): RequestHandler {
  const parse = express.json({ limit: maxBytes, strict: false, verify: checkBytes });
  return (request, response, next) => {
    if (!request.is('json')) {
      const given = request.get('content-type') ?? 'none';
      throw new ServiceError('request.unsupported_media_type', `The content type ${given} is not read here`);
    }
    parse(request, response, next);
  };
}

/** Before they are parsed: what costs too much by being parsed is refused. */
function checkBytes(request: IncomingMessage, _response: unknown, bytes: Buffer, charset: string): void {
  // JSON is UTF-8; in another encoding its brackets would not be where they are looked for.
  if (charset !== 'utf-8') {
    throw new ServiceError('request.unsupported_media_type', `The charset ${charset} is not read here; utf-8 is`);
  }
  const fault = shapeFaultOf(bytes.toString('latin1'));
  if (fault === 'too_deep') {
    throw new ServiceError('request.too_deep', `A body may nest ${maxJsonDepth} levels deep`);
  }
  if (fault === 'too_wide') {
    throw new ServiceError('request.invalid', `An object of a body may have ${maxJsonKeys} keys`);
  }
  rawBodies.set(request, bytes);
}

/** Of the routes that evaluate. */
export const jsonBody = createJsonBody(maxJsonBytes);
