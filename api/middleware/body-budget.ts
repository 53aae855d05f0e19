import type { RequestHandler } from 'express';
import type { Config } from '../../shared/config.ts';
import { ServiceError } from '../../shared/errors.ts';
import { maxFieldBytes } from '../multipart.ts';
import { maxJsonBytes } from './json-body.ts';

/** Bytes of bodies that are held whole at the same time; parsing and decoding take about three times as much. */
const budgetBytes = 256 * 1024 * 1024;
/** Of these, what only small bodies take: eight that are large and slow must not shut out every single pair. */
const reservedBytes = 32 * 1024 * 1024;
const smallBytes = 256 * 1024;

/** A held body must arrive within this time, or at this pace from then on, or it would keep its place from others. */
const arriveMs = 30_000;
const bytesPerMs = 64;
/** How often that is looked at, in milliseconds. */
const lookMs = 1_000;

/** Deflate makes one byte of at most so many; what other encodings may become has no such bound. */
const mostOfGzip = 1_032;

/**
 * Bounds what requests hold in memory together. A body whose length is not announced, or says little of what it becomes,
 * counts as the largest there may be. For routes that hold their body; what is streamed holds next to nothing.
 */
export function createBodyBudget({ imageMaxBytes }: Pick<Config, 'imageMaxBytes'>): RequestHandler {
  // One form may be larger than all there is: then it is held alone.
  const maxFormBytes = Math.min(budgetBytes - reservedBytes, imageMaxBytes + maxFieldBytes);
  let held = 0;
  return (request, response, next) => {
    const announced = request.get('content-length');
    // Neither header: there is no body (RFC 9112, 6.3).
    if (announced === undefined && request.get('transfer-encoding') === undefined) return next();
    const isForm = /^multipart\//i.test(request.get('content-type') ?? '');
    const most = isForm ? maxFormBytes : maxJsonBytes;
    // What is held is what a body becomes, and not what is sent.
    const growth = growthOf(request.get('content-encoding'));
    const bytes = announced === undefined ? most : Math.min((Number(announced) || 0) * growth, most);
    if (held + bytes > budgetBytes - (bytes > smallBytes ? reservedBytes : 0)) {
      throw new ServiceError('overloaded', 'Too many large requests are being answered', { retryAfter: 1 });
    }
    held += bytes;
    const { socket } = request;
    const [start, before] = [performance.now(), socket.bytesRead];
    const timer = setInterval(() => {
      const late = performance.now() - start - arriveMs;
      if (late < 0 || request.complete || socket.bytesRead - before >= late * bytesPerMs) return;
      clearInterval(timer);
      next(new ServiceError('request.timeout', 'The body took too long to arrive'));
    }, lookMs);
    timer.unref();
    request.on('end', () => clearInterval(timer));
    response.on('close', () => {
      clearInterval(timer);
      held -= bytes;
    });
    next();
  };
}

function growthOf(encoding = 'identity'): number {
  switch (encoding.toLowerCase()) {
    case 'identity':
      return 1;
    case 'gzip':
    case 'deflate':
      return mostOfGzip;
    default:
      return maxJsonBytes;
  }
}
