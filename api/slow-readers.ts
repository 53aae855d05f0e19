import type { Response } from 'express';
import { ServiceError } from '../shared/errors.ts';

/** The time in ms after which a client that reads nothing is disconnected. */
export const stallTimeoutMs = 20_000;
/**
 * The number of bytes that are written at a time. Further bytes are written only when the kernel has accepted these. A
 * client must therefore read at least this many bytes in {@link stallTimeoutMs}.
 */
const pieceBytes = 64 * 1024;

/**
 * Writes bytes to a response no faster than the client reads them. Resolves when the kernel has accepted all bytes.
 * @param patienceMs the time in ms that the client may take to read {@link pieceBytes}.
 * @throws `signal.reason`; {@link ServiceError} `request.timeout` when the client stalls.
 */
export async function writePaced(
  response: Response,
  bytes: Uint8Array,
  signal: AbortSignal,
  patienceMs = stallTimeoutMs,
): Promise<void> {
  for (let from = 0; from < bytes.length; from += pieceBytes) {
    signal.throwIfAborted();
    if (!response.write(bytes.subarray(from, from + pieceBytes))) await whenDrained(response, signal, patienceMs);
  }
}

/**
 * Resolves when the client has read everything that was written. Then removes its own event listeners.
 * @throws like {@link writePaced}.
 */
export async function whenDrained(response: Response, signal: AbortSignal, patienceMs = stallTimeoutMs): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const settle = (step: () => void) => {
      clearTimeout(timer);
      response.off('drain', onDrain);
      signal.removeEventListener('abort', onAbort);
      step();
    };
    const onDrain = () => settle(resolve);
    const onAbort = () => settle(() => reject(signal.reason));
    const timer = setTimeout(
      () => settle(() => reject(new ServiceError('request.timeout', 'The client stopped reading the response'))),
      patienceMs,
    );
    response.on('drain', onDrain);
    signal.addEventListener('abort', onAbort);
  });
}

/**
 * Resets the connection of an incomplete response, which every client reports as an error. It does not close the
 * connection normally: an HTTP/1.0 client, such as nginx by default, takes a close for the end of the response. In a
 * test, nginx forwarded 385 of 3,001 rows as a complete response.
 */
export function resetConnection(response: Response): void {
  response.socket?.resetAndDestroy();
  // A response without a socket belongs to a client that has already disconnected.
  response.destroy();
}
