import type { Request, Response } from 'express';

/** A body must bring `windowBytes` in each window of this many ms in which the service waits for it. */
export const windowMs = 15_000;
export const windowBytes = 2 * 1024;
/** The time in ms between two checks. */
const checkMs = 1_000;

/** The progress of one request body. */
export interface SenderWatch {
  receivedBytes(): number;
  /** The time since the last byte in ms, to a second. */
  silentMs(): number;
  stop(): void;
}

/**
 * Watches a body until it is complete. Without a minimum pace, senders that dripped one byte every 15 s kept others out
 * for as long as they liked. Time in which the service itself does not read does not count.
 * @param onSlow called once, when the sender falls below the minimum pace.
 * @param onCheck called every second, for further limits of the caller.
 */
export function watchSender(
  request: Request,
  response: Response,
  onSlow: () => void,
  onCheck = (_watch: SenderWatch) => {},
): SenderWatch {
  const { socket } = request;
  const before = socket.bytesRead;
  let [last, silentMs] = [before, 0];
  let [windowStart, waitedMs] = [before, 0];
  const stop = () => clearInterval(timer);
  const watch: SenderWatch = { receivedBytes: () => socket.bytesRead - before, silentMs: () => silentMs, stop };
  const timer = setInterval(() => {
    if (request.complete) return stop();
    const { bytesRead } = socket;
    // Bytes that have arrived and are not read wait for the service, not for the sender.
    const isAwaited = request.readableLength === 0;
    silentMs = bytesRead === last && isAwaited ? silentMs + checkMs : 0;
    last = bytesRead;
    if (isAwaited) waitedMs += checkMs;
    if (waitedMs >= windowMs) {
      if (bytesRead - windowStart < windowBytes) {
        stop();
        return onSlow();
      }
      [windowStart, waitedMs] = [bytesRead, 0];
    }
    onCheck(watch);
  }, checkMs);
  timer.unref();
  request.on('end', stop);
  response.on('close', stop);
  return watch;
}
