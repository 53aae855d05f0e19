import type { Response } from 'express';
import type { BatchEvent } from '../batches/reading/events.ts';
import { breakOff, drained, stalledMs } from './pace.ts';

/** Proxies and browsers drop a connection on which nothing moves. */
const heartbeatMs = 15_000;
/** How soon a client comes back when the connection breaks, in milliseconds. */
const retryMs = 2_000;

/** Spread, so that those who followed a process that stops do not all come to the next one at once. */
const retryElsewhereMs = () => Math.round(200 + Math.random() * 1_800);

/**
 * Sends events as `text/event-stream`, at the pace of the reader, and closes after the last. Events that end before the
 * batch does end with this process, or with the reader's right to them: the reader is told to come back soon, with the id
 * it has. A reader that takes nothing for so long is cut off, and may come back with the id it has.
 * @param signal aborted when nothing more is to be sent.
 */
export async function sendEvents(
  events: AsyncGenerator<BatchEvent>,
  response: Response,
  signal: AbortSignal,
  patienceMs = stalledMs,
): Promise<void> {
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    // nginx would otherwise hold events back until its buffer is full.
    'x-accel-buffering': 'no',
  });
  response.write(`retry: ${retryMs}\n\n`);
  let ended = false;
  // A reader that is behind has enough to read: heartbeats would pile up before it.
  const heartbeat = setInterval(() => response.writableNeedDrain || response.write(': alive\n\n'), heartbeatMs);
  try {
    for await (const { id, event, data } of events) {
      if (signal.aborted) break;
      ended = event === 'end';
      const flows = response.write(`id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
      if (!flows) await drained(response, signal, patienceMs);
    }
  } catch (error) {
    if (response.writableNeedDrain) breakOff(response);
    if (!signal.aborted) throw error;
  } finally {
    clearInterval(heartbeat);
    if (!ended && !response.destroyed) response.write(`retry: ${retryElsewhereMs()}\n\n`);
    response.end();
  }
}
