import type { Request, RequestHandler } from 'express';
import type { Config } from '../../shared/config.ts';
import { ServiceError } from '../../shared/errors.ts';
import { ownerOf } from '../access/owner.ts';
import { maxFieldBytes } from '../multipart.ts';
import { maxJsonBytes } from './json-body.ts';
import { type SenderWatch, watchSender } from './slow-senders.ts';

/** Bytes of bodies that are held whole at the same time; parsing and decoding take about three times as much. */
const budgetBytes = 256 * 1024 * 1024;
/** Of these, bytes for small bodies alone: eight that are large and slow must not shut out every single pair. */
const reservedBytes = 32 * 1024 * 1024;
const smallBytes = 256 * 1024;
/** A tenant that holds less finds room though others hold the budget: a form with an image and its fields has it. */
const guaranteedBytes = 64 * 1024 * 1024;
/** All that is held at any time, guarantees included. */
const hardBytes = 2 * budgetBytes;

/** A held body must arrive within this time, or at this pace from then on. */
const arriveMs = 30_000;
const bytesPerMs = 64;
/** A sender that is silent for longer loses its place as soon as another finds none. */
const silentMs = 3_000;

/** Deflate makes one byte of at most so many; what other encodings may become has no such bound. */
const mostOfGzip = 1_032;

interface Held {
  owner: string;
  bytes: number;
  pace: SenderWatch | undefined;
  /** Gives the place back and refuses the sender. */
  evict(): void;
}

/**
 * Bounds what requests hold in memory together, and shares it between tenants. A body whose length is not announced, or
 * says little of what it becomes, counts as the largest there may be. For routes that hold their body; what is streamed
 * holds next to nothing.
 */
export function createBodyBudget({ imageMaxBytes }: Pick<Config, 'imageMaxBytes'>): RequestHandler {
  // One form may be larger than all there is: then it is held alone.
  const maxFormBytes = Math.min(budgetBytes - reservedBytes, imageMaxBytes + maxFieldBytes);
  const held = new Set<Held>();
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
  const hasRoom = (owner: string, bytes: number) =>
    fits(bytes) || (heldBytes + bytes <= hardBytes && bytesOf(owner) + bytes <= guaranteedBytes);

  /** Ends senders that are silent until there is room, those first whose tenant holds most; none where that is no help. */
  function makeRoom(bytes: number): boolean {
    const silent = [...held].filter(({ pace }) => (pace?.silentMs() ?? 0) >= silentMs);
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
    if (!hasRoom(owner, bytes) && !makeRoom(bytes)) {
      throw new ServiceError('overloaded', 'Too many large requests are being answered', { retryAfter: 1 });
    }
    const release = () => {
      place.pace?.end();
      if (held.delete(place)) add(owner, -bytes);
    };
    const evict = () => {
      release();
      next(new ServiceError('request.timeout', 'The body took too long to arrive'));
    };
    const place: Held = { owner, bytes, pace: undefined, evict };
    held.add(place);
    add(owner, bytes);
    const start = performance.now();
    place.pace = watchSender(request, response, evict, (pace) => {
      const late = performance.now() - start - arriveMs;
      if (late >= 0 && pace.bytes() < late * bytesPerMs) evict();
    });
    request.on('end', () => (place.pace = undefined));
    response.on('close', release);
    next();
  };
}

/** What a body becomes, and not what is sent; 0 without a body (RFC 9112, 6.3). */
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
      return mostOfGzip;
    default:
      return maxJsonBytes;
  }
}
