import type { Response } from 'express';
import { ServiceError } from '../shared/errors.ts';

/** A reader that takes none of what waits for it for so long gets no more, in milliseconds. */
export const stallTimeoutMs = 20_000;
/**
 * What is written at a time, in bytes. The next piece follows once the kernel has taken this one, so that a reader must
 * take at least this much in {@link stallTimeoutMs}, and one that takes a byte now and then does not count as reading.
 */
const pieceBytes = 64 * 1024;

/**
 * Writes at the pace of the reader; resolves when the kernel has taken all.
 * @param patienceMs for each piece.
 * @throws `signal.reason`; {@link ServiceError} `request.timeout` when the reader has stalled.
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
 * Resolves when the reader has caught up; leaves no listener behind.
 * @throws as {@link writePaced} does.
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
      () => settle(() => reject(new ServiceError('request.timeout', 'The answer was not read'))),
      patienceMs,
    );
    response.on('drain', onDrain);
    signal.addEventListener('abort', onAbort);
  });
}

/**
 * Ends an answer that cannot be completed so that its reader sees it. An HTTP/1.0 reader, which nginx is by default,
 * takes the end of the connection for the end of the answer: it passed 385 of 3,001 rows on as complete. A reset is an
 * error to every reader.
 */
export function resetConnection(response: Response): void {
  response.socket?.resetAndDestroy();
  // Without a socket the reader has gone.
  response.destroy();
}
