import type { Request, Response } from 'express';
import { type Bytes, toBuffer } from '../formats/bytes.ts';
import { createFairPlaces, type FairPlaces, type FairPlacesOptions } from '../shared/fair-places.ts';
import { tenantOf } from './access/tenant.ts';
import { clientGone } from './client-gone.ts';
import { resetConnection, stallTimeoutMs, writePaced } from './slow-readers.ts';

/**
 * Sends large responses. Each waits for a permit (slot) before it uses memory. A stream needs a new slot for each of
 * its parts.
 */
export interface LargeResponses {
  /**
   * Sends a page of stored data as JSON.
   * @throws the error of `read`; {@link ServiceError} `overloaded` when too many responses wait.
   */
  page(request: Request, response: Response, read: () => Promise<unknown>): Promise<void>;
  /**
   * Sends an image. The slots are separate, because a view asks for many images at once.
   * @throws the error of `read`; {@link ServiceError} `overloaded` when too many responses wait.
   */
  image(request: Request, response: Response, read: () => Promise<Image>): Promise<void>;
  /**
   * Sends scores or embeddings as JSON. Their slots are separate, so that interactive requests do not wait behind
   * clients that read pages slowly.
   * @param make is called once a slot is free, because the response takes more memory than its data.
   * @throws {ServiceError} `overloaded` when too many responses wait.
   */
  list(request: Request, response: Response, make: () => unknown): Promise<void>;
  /**
   * Sends each part as it is read. After a failure midway, the connection is reset, so that the client notices.
   * @param signal stops the response.
   * @throws the error of reading a part.
   */
  stream(request: Request, response: Response, parts: AsyncIterator<Bytes>, signal: AbortSignal): Promise<void>;
  /**
   * Sends a stream that holds rows in memory between parts, as the Parquet writer does. It occupies one slot of a
   * separate kind from start to end.
   * @throws as {@link stream}; {@link ServiceError} `overloaded` when too many responses wait.
   */
  buffered(request: Request, response: Response, parts: AsyncIterator<Bytes>, signal: AbortSignal): Promise<void>;
}

export interface Image {
  mediaType: string;
  bytes: Uint8Array;
}

export interface LargeResponseOptions extends Pick<FairPlacesOptions, 'guaranteed'> {
  /**
   * The maximum number of result pages in memory. A page ends with the chunk of results that makes it larger than 8
   * MiB.
   */
  pages?: number;
  /** The maximum number of images in memory. By default, an image has up to 20 MiB. */
  images?: number;
  /** The maximum number of lists in memory. A thousand embeddings take 10 MB, a thousand texts up to 20 MB. */
  lists?: number;
  /** The maximum number of stream parts in memory. A part has up to 2 MiB, or 4 MiB if it is a single chunk. */
  parts?: number;
  /**
   * The maximum number of streams that hold rows. Each holds a row group of 4 MiB of text, and three times that while
   * writing it.
   */
  buffers?: number;
  /** The time in ms after which a client that reads nothing is disconnected. */
  patienceMs?: number;
}

/**
 * Creates the sender. Without limits, unread responses filled the memory: 100 streams took 1.1 GB, 60 pages 0.45 GB and
 * 60 lists of a thousand embeddings 0.54 GB.
 */
export function createLargeResponses({
  pages = 8,
  images = 8,
  lists = 8,
  parts = 16,
  buffers = 8,
  guaranteed = 2,
  patienceMs = stallTimeoutMs,
}: LargeResponseOptions = {}): LargeResponses {
  // Separate queues, so that a page does not wait for slow readers of streams.
  const pagePlaces = createFairPlaces({ places: pages, guaranteed, maxWaiting: 1_000 });
  const imagePlaces = createFairPlaces({ places: images, guaranteed, maxWaiting: 1_000 });
  const listPlaces = createFairPlaces({ places: lists, guaranteed, maxWaiting: 1_000 });
  const partPlaces = createFairPlaces({ places: parts, guaranteed, maxWaiting: 10_000 });
  const bufferPlaces = createFairPlaces({ places: buffers, guaranteed, maxWaiting: 1_000 });

  const sendJson = (places: FairPlaces, request: Request, response: Response, read: () => unknown) =>
    sendBytes(places, request, response, async () => ({
      mediaType: 'json',
      bytes: Buffer.from(JSON.stringify(await read())),
    }));

  async function sendBytes(places: FairPlaces, request: Request, response: Response, read: () => Promise<Image>) {
    const signal = clientGone(response);
    const release = await places.take(tenantOf(request), signal);
    try {
      const { mediaType, bytes } = await read();
      response.type(mediaType).setHeader('Content-Length', bytes.length);
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
    image: (request, response, read) => sendBytes(imagePlaces, request, response, read),
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

/** A separate function, so that its variables are freed while the part is written. */
async function nextOf(source: AsyncIterator<Bytes>): Promise<Buffer | undefined> {
  const { done, value } = await source.next();
  return done ? undefined : toBuffer(value);
}

/** Ends the response after `send`, without an error when the client disconnects or loses its access. */
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
