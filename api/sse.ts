import type { Response } from 'express';
import type { BatchEvent } from '../batches/reading/events.ts';

/** Proxies and browsers drop a connection on which nothing moves. */
const heartbeatMs = 15_000;
/** How soon a client comes back when the connection breaks, in milliseconds. */
const retryMs = 2_000;

/** Spread, so that those who followed a process that stops do not all come to the next one at once. */
const retryElsewhereMs = () => Math.round(200 + Math.random() * 1_800);

/**
 * Sends events as `text/event-stream`, at the pace of the reader, and closes after the last. Events that end before the
 * batch does end with this process, or with the reader's right to them: the reader is told to come back soon, with the id
 * it has.
 * @param signal aborted when nothing more is to be sent.
 */
export async function sendEvents(
  events: AsyncGenerator<BatchEvent>,
  response: Response,
  signal: AbortSignal,
): Promise<void> {
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    // nginx would otherwise hold events back until its buffer is full.
    'x-accel-buffering': 'no',
  });
  response.write(`retry: ${retryMs}\n\n`);
  let ended = false;
  const heartbeat = setInterval(() => response.write(': alive\n\n'), heartbeatMs);
  try {
    for await (const { id, event, data } of events) {
      ended = event === 'end';
      const flows = response.write(`id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
      if (!flows && !signal.aborted) await drained(response, signal);
      if (signal.aborted) break;
    }
  } finally {
    clearInterval(heartbeat);
    if (!ended && !response.closed) response.write(`retry: ${retryElsewhereMs()}\n\n`);
    response.end();
  }
}

/** Resolves when the reader has caught up, or gets no more; leaves no listener behind. */
async function drained(response: Response, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const settle = () => {
      response.off('drain', settle);
      signal.removeEventListener('abort', settle);
      resolve();
    };
    response.on('drain', settle);
    signal.addEventListener('abort', settle);
  });
}
