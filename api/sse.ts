import type { Response } from 'express';
import type { BatchEvent } from '../batches/reading/events.ts';
import { inOneLine } from '../shared/exact-json.ts';
import { resetConnection, stallTimeoutMs, whenDrained } from './slow-readers.ts';

/** Proxies and browsers drop a connection on which nothing moves. */
const heartbeatMs = 15_000;
/**
 * How soon a client comes back when the connection breaks, in milliseconds. Spread, so that those who followed a process
 * that stops do not all come to the next one at once.
 */
const retryMs = () => Math.round(200 + Math.random() * 1_800);

/**
 * Sends events as `text/event-stream`, at the pace of the reader, and closes after the last. Events that end before the
 * batch does end with this process, or with the reader's right to them: the reader comes back soon, with the id it has. So
 * does a reader that takes nothing for so long, which is cut off.
 * @param signal aborted when nothing more is to be sent.
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
    // nginx would otherwise hold events back until its buffer is full.
    'x-accel-buffering': 'no',
  });
  response.flushHeaders();
  // In the block of the first event: some clients take a block without data for an event, and parse its empty data.
  let retry = `retry: ${retryMs()}\n`;
  // A reader that is behind has enough to read: heartbeats would pile up before it. The empty line is left to the event
  // that follows: some clients take it for the end of another event with the id of the last one.
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
