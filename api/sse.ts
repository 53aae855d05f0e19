import type { Response } from 'express';
import type { BatchEvent } from '../batches/reading/events.ts';
import { inOneLine } from '../shared/exact-json.ts';
import { resetConnection, stallTimeoutMs, whenDrained } from './slow-readers.ts';

/** The interval of heartbeats in ms. Heartbeats are needed because proxies and browsers drop idle connections. */
const heartbeatMs = 15_000;
/**
 * Returns the time in ms that a client should wait before it reconnects. It is random, so that the clients of a process
 * do not all reconnect at the same moment when the process stops.
 */
const retryMs = () => Math.round(200 + Math.random() * 1_800);

/**
 * Sends events as `text/event-stream`, no faster than the client reads, and closes the stream after the last event. The
 * stream may end before the batch does, because the process stops or the client loses its access. The client then
 * reconnects with the id of the last event that it received. A client that stalls is disconnected, and may reconnect in
 * the same way.
 * @param signal aborts when no more events may be sent.
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
  // The retry time is sent together with the first event, because some clients read a block without data as an event
  // and fail to parse it.
  let retry = `retry: ${retryMs()}\n`;
  // A client that has not read earlier events gets no heartbeats, because unread heartbeats would fill the memory. A
  // heartbeat does not end with an empty line, because some clients would take that for another event with the last id.
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
