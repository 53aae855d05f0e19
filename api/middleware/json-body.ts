import type { IncomingMessage } from 'node:http';
import express, { type RequestHandler } from 'express';
import { ServiceError } from '../../shared/errors.ts';
import { isTooDeep, maxJsonDepth } from '../../shared/json-depth.ts';

/** Largest JSON body: parsing it stops the event loop for about a fifth of a second. NDJSON has no such limit. */
export const maxJsonBytes = 32 * 1024 * 1024;

/** The bytes behind a parsed body, for whoever must compare or hash them; forgotten with the request. */
const rawBodies = new WeakMap<IncomingMessage, Buffer>();
export const rawBodyOf = (request: IncomingMessage): Buffer => rawBodies.get(request) ?? Buffer.alloc(0);

const parse = express.json({
  limit: maxJsonBytes,
  strict: false,
  verify: (request, _response, bytes, charset) => {
    // JSON is UTF-8; in another encoding its brackets would not be where they are looked for.
    if (charset !== 'utf-8') {
      throw new ServiceError('request.unsupported_media_type', `The charset ${charset} is not read here; utf-8 is`);
    }
    if (isTooDeep(bytes.toString('latin1'))) {
      throw new ServiceError('request.too_deep', `A body may nest ${maxJsonDepth} levels deep`);
    }
    rawBodies.set(request, bytes);
  },
});

/** Reads a JSON body; another content type is refused by name instead of being taken for an empty body. */
export const jsonBody: RequestHandler = (request, response, next) => {
  if (!request.is(['json', '+json'])) {
    const given = request.get('content-type') ?? 'none';
    throw new ServiceError('request.unsupported_media_type', `The content type ${given} is not read here`);
  }
  parse(request, response, next);
};
