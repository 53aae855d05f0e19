import type { RequestHandler } from 'express';
import { ServiceError } from '../../shared/errors.ts';
import { maxJsonBytes } from './json-body.ts';

/** Bytes of bodies that are held whole at the same time; parsing and decoding take about three times as much. */
const budgetBytes = 256 * 1024 * 1024;

/**
 * Bounds what requests hold in memory together. A body whose length is not announced counts as the largest there may be.
 * For routes that hold their body; what is streamed holds next to nothing.
 */
export function createBodyBudget(): RequestHandler {
  let held = 0;
  return (request, response, next) => {
    const announced = request.get('content-length');
    const bytes = announced === undefined ? maxJsonBytes : Math.min(Number(announced) || 0, maxJsonBytes);
    if (held + bytes > budgetBytes) {
      throw new ServiceError('overloaded', 'Too many large requests are being answered', { retryAfter: 1 });
    }
    held += bytes;
    response.on('close', () => {
      held -= bytes;
    });
    next();
  };
}
