import type { Response } from 'express';
import type { BatchEvent } from '../batches/reading/events.ts';
import { inOneLine } from '../shared/exact-json.ts';
import { resetConnection, stallTimeoutMs, whenDrained } from './slow-readers.ts';

/** The heartbeat interval in ms. Proxies and browsers drop idle connections. */
const heartbeatMs = 15_000;
/**
 * Returns a random reconnection delay in ms, so that not all clients reconnect simultaneously when the process stops.
 */
const retryMs = () => Math.round(200 + Math.random() * 1_800);

/**
 * Sends events as `text/event-stream`, no faster than the client reads. The stream may end before the batch does; the
 * client then reconnects with the id of its last event.
 * @param signal stops the stream.
 * @param patienceMs the time in ms after which a client that reads nothing is disconnected.
 */
export async function sendEvents(
  events: AsyncGenerator<BatchEvent>,
  response: Response,
  signal: AbortSignal,
  patienceMs = stallTimeoutMs,
): Promise<void> {
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    // Without this header, nginx holds events back until its buffer is full.
    'x-accel-buffering': 'no',
  });
  response.flushHeaders();
  // The retry time is sent with the first event, because some clients fail to parse a block without data.
  let retry = `retry: ${retryMs()}\n`;
  // Unread heartbeats would fill the memory. A heartbeat has no empty line after it, because some clients would take
  // that for another event with the last id.
  const heartbeat = setInterval(() => response.writableNeedDrain || response.write(': alive\n'), heartbeatMs);
  try {
    for await (const { id, event, data } of events) {
      if (signal.aborted) break;
      const flows = response.write(`${retry}id: ${id}\nevent: ${event}\ndata: ${inOneLine(JSON.stringify(data))}\n\n`);
      retry = '';
      if (!flows) await whenDrained(response, signal, patienceMs);
    }
  } catch (error) {
    if (response.writableNeedDrain) resetConnection(response);
    if (!signal.aborted) throw error;
  } finally {
    clearInterval(heartbeat);
    response.end();
  }
}
