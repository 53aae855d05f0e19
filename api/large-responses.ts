import type { Request, Response } from 'express';
import { createFairPlaces, type FairPlaces } from '../shared/fair-places.ts';
import { tenantOf } from './access/tenant.ts';
import { clientGone } from './client-gone.ts';
import { resetConnection, stallTimeoutMs, writePaced } from './slow-readers.ts';

/**
 * Large answers, of which so many are in memory at a time. The others wait without holding anything. A stream holds its
 * place for one part, and takes its turn again for the next.
 */
export interface LargeResponses {
  /**
   * Answers with what `read` gives, as JSON.
   * @throws what `read` throws; {@link ServiceError} `overloaded` when too many wait.
   */
  page(request: Request, response: Response, read: () => Promise<unknown>): Promise<void>;
  /**
   * Answers with scores or embeddings, as JSON. They share no places with what {@link json} answers: an interactive
   * request must not wait for the slow readers of pages.
   * @param make builds the answer from what was computed, which is smaller.
   * @throws {ServiceError} `overloaded` when too many wait.
   */
  list(request: Request, response: Response, make: () => unknown): Promise<void>;
  /**
   * Sends parts as they are read. An answer that has begun and cannot be completed is broken off visibly.
   * @param signal aborted when nothing more is to be sent.
   * @throws what reading throws.
   */
  stream(request: Request, response: Response, parts: AsyncIterator<string>, signal: AbortSignal): Promise<void>;
}

export interface LargeResponseOptions {
  /** Pages of JSON in memory at a time. One has up to 8 MiB and its last chunk. */
  pages?: number;
  /** Lists of scores or embeddings in memory at a time. A thousand embeddings have 10 MB, a thousand texts up to 20 MB. */
  lists?: number;
  /** Parts of streams in memory at a time. One has up to 2 MiB, or one chunk, which has up to 4 MiB. */
  parts?: number;
  /** Of each, what a tenant gets though others hold all. */
  guaranteed?: number;
  /** How long a reader may take nothing, in milliseconds. */
  patienceMs?: number;
}

/**
 * Without these bounds 100 streams that were asked for and not read took 1.1 GB, 60 pages 0.45 GB, and 60 lists of a
 * thousand embeddings 0.54 GB.
 */
export function createLargeResponses({
  pages = 8,
  lists = 8,
  parts = 16,
  guaranteed = 2,
  patienceMs = stallTimeoutMs,
}: LargeResponseOptions = {}): LargeResponses {
  // Apart: a page is answered at once, and must not wait for the slow readers of streams of the same tenant.
  const pagePlaces = createFairPlaces({ places: pages, guaranteed, maxWaiting: 1_000 });
  const listPlaces = createFairPlaces({ places: lists, guaranteed, maxWaiting: 1_000 });
  const partPlaces = createFairPlaces({ places: parts, guaranteed, maxWaiting: 10_000 });

  async function sendJson(places: FairPlaces, request: Request, response: Response, read: () => unknown) {
    const signal = clientGone(response);
    const release = await places.take(tenantOf(request), signal);
    try {
      const bytes = Buffer.from(JSON.stringify(await read()));
      response.type('json').setHeader('Content-Length', bytes.length);
      if (request.method !== 'HEAD')
        await sending(response, signal, () => writePaced(response, bytes, signal, patienceMs));
      else response.end();
    } finally {
      release();
    }
  }

  return {
    page: (request, response, read) => sendJson(pagePlaces, request, response, read),
    list: (request, response, make) => sendJson(listPlaces, request, response, make),
    async stream(request, response, source, signal) {
      if (request.method === 'HEAD') return void response.end();
      await sending(response, signal, async () => {
        for (let isLast = false; !isLast; ) {
          const release = await partPlaces.take(tenantOf(request), signal);
          try {
            const part = await nextOf(source);
            if (part === undefined) isLast = true;
            else await writePaced(response, part, signal, patienceMs);
          } finally {
            release();
          }
        }
      }).finally(() => source.return?.());
    },
  };
}

/** In a function of its own, so that nothing but the bytes is held while they are written. */
async function nextOf(source: AsyncIterator<string>): Promise<Buffer | undefined> {
  const { done, value } = await source.next();
  return done ? undefined : Buffer.from(value);
}

/** A reader that goes away, or may not read any more, ends the sending; that is no fault of anybody. */
async function sending(response: Response, signal: AbortSignal, send: () => Promise<void>): Promise<void> {
  try {
    await send();
    response.end();
  } catch (error) {
    if (!response.headersSent) {
      response.removeHeader('Content-Disposition');
      response.removeHeader('Content-Length');
    } else resetConnection(response);
    if (!signal.aborted) throw error;
  }
}
