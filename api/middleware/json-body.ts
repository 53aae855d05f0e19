import express, { type RequestHandler } from 'express';
import { ServiceError } from '../../shared/errors.ts';

/** Largest JSON body: parsing it stops the event loop for about a fifth of a second. NDJSON has no such limit. */
export const maxJsonBytes = 32 * 1024 * 1024;

const parse = express.json({ limit: maxJsonBytes, strict: false });

/** Reads a JSON body; another content type is refused by name instead of being taken for an empty body. */
export const jsonBody: RequestHandler = (request, response, next) => {
  if (!request.is(['json', '+json'])) {
    const given = request.get('content-type') ?? 'none';
    throw new ServiceError('request.unsupported_media_type', `The content type must be application/json, not ${given}`);
  }
  parse(request, response, next);
};
