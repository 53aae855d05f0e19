import type { IncomingMessage } from 'node:http';
import express, { type RequestHandler } from 'express';
import { ServiceError } from '../../shared/errors.ts';

/** Largest JSON body: parsing it stops the event loop for about a fifth of a second. NDJSON has no such limit. */
export const maxJsonBytes = 32 * 1024 * 1024;

/** The bytes behind a parsed body, for whoever must compare or hash them; forgotten with the request. */
const rawBodies = new WeakMap<IncomingMessage, Buffer>();
export const rawBodyOf = (request: IncomingMessage): Buffer => rawBodies.get(request) ?? Buffer.alloc(0);

const parse = express.json({
  limit: maxJsonBytes,
  strict: false,
  verify: (request, _response, bytes) => void rawBodies.set(request, bytes),
});

/** Reads a JSON body; another content type is refused by name instead of being taken for an empty body. */
export const jsonBody: RequestHandler = (request, response, next) => {
  if (!request.is(['json', '+json'])) {
    const given = request.get('content-type') ?? 'none';
    throw new ServiceError('request.unsupported_media_type', `The content type ${given} is not read here`);
  }
  parse(request, response, next);
};
