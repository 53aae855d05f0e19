import type { Request, RequestHandler } from 'express';
import type { Config } from '../../shared/config.ts';
import { ServiceError } from '../../shared/errors.ts';
import { ownerOf } from '../access/owner.ts';
import { maxFieldBytes } from '../multipart.ts';
import { maxJsonBytes } from './json-body.ts';
import { type SenderWatch, watchSender } from './slow-senders.ts';

/** The maximum bytes of request bodies in memory. Parsing and decoding takes about three times as much. */
const budgetBytes = 256 * 1024 * 1024;
/** Bytes of the budget for small bodies only, so that a few large, slow bodies cannot block small requests. */
const reservedBytes = 32 * 1024 * 1024;
const smallBytes = 256 * 1024;
/** Bytes that each tenant may always hold: enough for a form with an image. */
const guaranteedBytes = 64 * 1024 * 1024;
/** The absolute maximum in bytes, including the guaranteed bytes of tenants. */
const hardBytes = 2 * budgetBytes;

/**
 * The time in ms in which a body may arrive at any speed. Then it must have delivered `bytesPerMs` bytes for each
 * further ms.
 */
const arriveMs = 30_000;
const bytesPerMs = 64;
/** The silence in ms after which a sender may be disconnected to make room for another body. */
const silentMs = 3_000;

/** The maximum factor by which a deflated body grows. Other compressions have no maximum. */
const maxDeflateGrowth = 1_032;

interface HeldBody {
  owner: string;
  bytes: number;
  sender: SenderWatch | undefined;
  /** Releases the bytes of this body and answers its sender with an error. */
  evict(): void;
}

/**
 * Limits the memory of request bodies and shares it between tenants, on routes that read whole bodies. A deflated body
 * counts its maximum size after decompression. Without a length, or with another compression, a body counts the largest
 * allowed length.
 */
export function createBodyBudget({ imageMaxBytes }: Pick<Config, 'imageMaxBytes'>): RequestHandler {
  // The largest form may exceed the budget. It then counts as all that large bodies may hold.
  const maxFormBytes = Math.min(budgetBytes - reservedBytes, imageMaxBytes + maxFieldBytes);
  const held = new Set<HeldBody>();
  const holdings = new Map<string, number>();
  let heldBytes = 0;

  const bytesOf = (owner: string) => holdings.get(owner) ?? 0;
  const add = (owner: string, bytes: number) => {
    heldBytes += bytes;
    holdings.set(owner, bytesOf(owner) + bytes);
    if (bytesOf(owner) === 0) holdings.delete(owner);
  };
  const fits = (bytes: number, freed = 0) =>
    heldBytes - freed + bytes <= budgetBytes - (bytes > smallBytes ? reservedBytes : 0);
  const hasCapacity = (owner: string, bytes: number) =>
    fits(bytes) || (heldBytes + bytes <= hardBytes && bytesOf(owner) + bytes <= guaranteedBytes);

  /**
   * Disconnects silent senders until `bytes` are free, beginning with the tenant that holds the most. Disconnects
   * none of them if that would not free enough.
   */
  function freeCapacity(bytes: number): boolean {
    const silent = [...held].filter(({ sender }) => (sender?.silentMs() ?? 0) >= silentMs);
    silent.sort((a, b) => bytesOf(b.owner) - bytesOf(a.owner) || b.bytes - a.bytes);
    const freed = silent.reduce((sum, one) => sum + one.bytes, 0);
    if (!fits(bytes, freed)) return false;
    for (const one of silent) {
      if (fits(bytes)) break;
      one.evict();
    }
    return true;
  }

  return (request, response, next) => {
    const bytes = bytesToHold(request, maxFormBytes);
    if (bytes === 0) return next();
    const owner = ownerOf(request);
    if (!hasCapacity(owner, bytes) && !freeCapacity(bytes)) {
      throw new ServiceError('overloaded', 'Too many large request bodies are in flight; retry shortly', {
        retryAfter: 1,
      });
    }
    const release = () => {
      body.sender?.stop();
      if (held.delete(body)) add(owner, -bytes);
    };
    const evict = () => {
      release();
      next(new ServiceError('request.timeout', 'The body took too long to arrive'));
    };
    const body: HeldBody = { owner, bytes, sender: undefined, evict };
    held.add(body);
    add(owner, bytes);
    const start = performance.now();
    body.sender = watchSender(request, response, evict, (sender) => {
      const late = performance.now() - start - arriveMs;
      if (late >= 0 && sender.receivedBytes() < late * bytesPerMs) evict();
    });
    request.on('end', () => (body.sender = undefined));
    response.on('close', release);
    next();
  };
}

/** Returns the maximum size of the decoded body in bytes, or 0 without a body (RFC 9112, 6.3). */
function bytesToHold(request: Request, maxFormBytes: number): number {
  const announced = request.get('content-length');
  if (announced === undefined && request.get('transfer-encoding') === undefined) return 0;
  const isForm = /^multipart\//i.test(request.get('content-type') ?? '');
  const most = isForm ? maxFormBytes : maxJsonBytes;
  if (announced === undefined) return most;
  return Math.min((Number(announced) || 0) * growthOf(request.get('content-encoding')), most);
}

function growthOf(encoding = 'identity'): number {
  switch (encoding.toLowerCase()) {
    case 'identity':
      return 1;
    case 'gzip':
    case 'deflate':
      return maxDeflateGrowth;
    default:
      return maxJsonBytes;
  }
}
