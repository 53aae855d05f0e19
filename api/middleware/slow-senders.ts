import type { Request, Response } from 'express';

/** A body must bring this many bytes in each window in which the service waits for it. */
export const windowMs = 15_000;
export const windowBytes = 2 * 1024;
/** How often the pace is looked at, in milliseconds. */
const lookMs = 1_000;

/** How a body arrives. */
export interface SenderWatch {
  /** Bytes that have arrived. */
  bytes(): number;
  /** How long the last byte is ago, in milliseconds; to a second. */
  silentMs(): number;
  /** Looks no more. */
  end(): void;
}

/**
 * Watches how a body arrives, until it has. Senders that dripped one byte in 15 s kept others out for as long as they
 * liked. Time in which the service itself does not read counts for nobody.
 * @param onSlow called once when the sender is slower than it may be.
 * @param look called every second, for bounds of a caller's own.
 */
export function watchSender(
  request: Request,
  response: Response,
  onSlow: () => void,
  look = (_pace: SenderWatch) => {},
): SenderWatch {
  const { socket } = request;
  const before = socket.bytesRead;
  let [last, silentMs] = [before, 0];
  let [windowStart, waitedMs] = [before, 0];
  const end = () => clearInterval(timer);
  const pace: SenderWatch = { bytes: () => socket.bytesRead - before, silentMs: () => silentMs, end };
  const timer = setInterval(() => {
    if (request.complete) return end();
    const { bytesRead } = socket;
    // What has arrived and is not read yet waits for the service.
    const isAwaited = request.readableLength === 0;
    silentMs = bytesRead === last && isAwaited ? silentMs + lookMs : 0;
    last = bytesRead;
    if (isAwaited) waitedMs += lookMs;
    if (waitedMs >= windowMs) {
      if (bytesRead - windowStart < windowBytes) {
        end();
        return onSlow();
      }
      [windowStart, waitedMs] = [bytesRead, 0];
    }
    look(pace);
  }, lookMs);
  timer.unref();
  request.on('end', end);
  response.on('close', end);
  return pace;
}
