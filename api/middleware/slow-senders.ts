import type { Request, Response } from 'express';

/**
 * A sender must deliver at least `windowBytes` of its body in each period of `windowMs` ms. Only the time in which the
 * service waits for the sender counts.
 */
export const windowMs = 15_000;
export const windowBytes = 2 * 1024;
/** The time in ms between two checks of the number of bytes received. */
const checkMs = 1_000;

/** The progress of one request body. */
export interface SenderWatch {
  receivedBytes(): number;
  /** Returns the time in ms since the last byte arrived, with a resolution of one second. */
  silentMs(): number;
  stop(): void;
}

/**
 * Watches the arrival of a body until it is complete. Without a minimum pace, a client that sends one byte every 15 s
 * could block other clients for any length of time. Only the time in which the service waits for bytes counts.
 * @param onSlow called once, when the sender falls below the minimum pace.
 * @param onCheck called every second, so that the caller can apply further limits.
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
    // When bytes that have arrived are still unread, the service is slow and not the sender.
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
