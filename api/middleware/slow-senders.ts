import type { Request, Response } from 'express';

/** A sender must deliver `windowBytes` per `windowMs` ms. Only the time in which the service waits for it counts. */
export const windowMs = 15_000;
export const windowBytes = 2 * 1024;
const checkMs = 1_000;

export interface SenderWatch {
  receivedBytes(): number;
  /** Returns the time in ms since the last byte arrived, to the second. */
  silentMs(): number;
  stop(): void;
}

/**
 * Watches a body until it is complete. Without a minimum pace, a client that sends a byte every 15 s could block others
 * for any time.
 * @param onSlow called once, when the sender falls below the pace.
 * @param onCheck called every second, for further limits.
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
    // If received bytes are still unread, the service is slow, not the sender.
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
