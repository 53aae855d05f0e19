import type { Request, Response } from 'express';
import { type Bytes, toBuffer } from '../formats/bytes.ts';
import { createFairPlaces, type FairPlaces, type FairPlacesOptions } from '../shared/fair-places.ts';
import { tenantOf } from './access/tenant.ts';
import { clientGone } from './client-gone.ts';
import { resetConnection, stallTimeoutMs, writePaced } from './slow-readers.ts';

/**
 * Sends large responses, and limits how many of them are in memory at the same time. A response waits in a queue until
 * one of a limited number of slots is free, and only then uses memory. A stream takes a slot for one part of its
 * content, and queues again for the next part.
 */
export interface LargeResponses {
  /**
   * Sends a page of stored data as JSON. `read` returns the page.
   * @throws the error of `read`; {@link ServiceError} `overloaded` when too many responses wait.
   */
  page(request: Request, response: Response, read: () => Promise<unknown>): Promise<void>;
  /**
   * Sends a list of scores or embeddings as JSON. Lists and pages have separate slots (permits to use memory), so that
   * an interactive request does not wait behind clients that read pages slowly.
   * @param make builds the response from the results. It is called only when the list has a slot, because the response
   * takes more memory than the results.
   * @throws {ServiceError} `overloaded` when too many responses wait.
   */
  list(request: Request, response: Response, make: () => unknown): Promise<void>;
  /**
   * Sends the parts of a stream as they are read. If reading fails midway, the connection is reset, so that the client
   * notices that the response is incomplete.
   * @param signal aborts when the rest of the response must not be sent.
   * @throws the error of reading a part.
   */
  stream(request: Request, response: Response, parts: AsyncIterator<Bytes>, signal: AbortSignal): Promise<void>;
  /**
   * Sends a stream whose writer holds rows in memory between two parts, as the Parquet writer does. The stream occupies
   * one slot (a permit to use memory) from its first part to its last. Streams of this kind have separate slots.
   * @throws as {@link stream}; {@link ServiceError} `overloaded` when too many responses wait.
   */
  buffered(request: Request, response: Response, parts: AsyncIterator<Bytes>, signal: AbortSignal): Promise<void>;
}

export interface LargeResponseOptions extends Pick<FairPlacesOptions, 'guaranteed'> {
  /**
   * The maximum number of pages of results in memory. A page ends with the chunk of results that makes it larger than 8
   * MiB.
   */
  pages?: number;
  /**
   * The maximum number of lists in memory. A list of a thousand embeddings takes 10 MB, and one of a thousand texts up
   * to 20 MB.
   */
  lists?: number;
  /**
   * The maximum number of parts of streams in memory. A part has up to 2 MiB. A part that is a single chunk has up to 4
   * MiB.
   */
  parts?: number;
  /**
   * The maximum number of streams that hold rows in memory. Each stream holds a row group of 4 MiB of text. While it
   * writes the group, it needs three times this memory.
   */
  buffers?: number;
  /** The time in ms after which a client that reads nothing is disconnected. */
  patienceMs?: number;
}

/**
 * Creates the sender of large responses. Before it limited the number of responses in memory, responses that clients
 * did not read filled the memory: 100 streams took 1.1 GB, 60 pages 0.45 GB, and 60 lists of a thousand embeddings 0.54
 * GB.
 */
export function createLargeResponses({
  pages = 8,
  lists = 8,
  parts = 16,
  buffers = 8,
  guaranteed = 2,
  patienceMs = stallTimeoutMs,
}: LargeResponseOptions = {}): LargeResponses {
  // Each kind of response has its own queue. A page then does not wait while other clients of the tenant read streams
  // slowly.
  const pagePlaces = createFairPlaces({ places: pages, guaranteed, maxWaiting: 1_000 });
  const listPlaces = createFairPlaces({ places: lists, guaranteed, maxWaiting: 1_000 });
  const partPlaces = createFairPlaces({ places: parts, guaranteed, maxWaiting: 10_000 });
  const bufferPlaces = createFairPlaces({ places: buffers, guaranteed, maxWaiting: 1_000 });

  async function sendJson(places: FairPlaces, request: Request, response: Response, read: () => unknown) {
    const signal = clientGone(response);
    const release = await places.take(tenantOf(request), signal);
    try {
      const bytes = Buffer.from(JSON.stringify(await read()));
      response.type('json').setHeader('Content-Length', bytes.length);
      if (request.method !== 'HEAD')
        await endAfter(response, signal, () => writePaced(response, bytes, signal, patienceMs));
      else response.end();
    } finally {
      release();
    }
  }

  const stream: LargeResponses['stream'] = async (request, response, source, signal) => {
    if (request.method === 'HEAD') return void response.end();
    await endAfter(response, signal, async () => {
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
  };

  return {
    page: (request, response, read) => sendJson(pagePlaces, request, response, read),
    list: (request, response, make) => sendJson(listPlaces, request, response, make),
    stream,
    async buffered(request, response, source, signal) {
      const release = await bufferPlaces.take(tenantOf(request), signal);
      try {
        await stream(request, response, source, signal);
      } finally {
        release();
      }
    },
  };
}

/** Reads the next part. This is a separate function so that its local variables are freed while the part is written. */
async function nextOf(source: AsyncIterator<Bytes>): Promise<Buffer | undefined> {
  const { done, value } = await source.next();
  return done ? undefined : toBuffer(value);
}

/** Runs `send`, then ends the response. Does not throw when the client disconnects or loses its access. */
async function endAfter(response: Response, signal: AbortSignal, send: () => Promise<void>): Promise<void> {
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
