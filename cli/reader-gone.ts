import type { Terminal } from './output.ts';

const gone = new AbortController();

/** Aborts when the reader of stdout has gone, such as `head` after its last line. */
export const readerGone: AbortSignal = gone.signal;

/**
 * Keeps a lost reader of stdout or stderr from ending the process with an unhandled error. Work that prints on stdout is
 * aborted. Work without a reader of stderr continues.
 * @returns a function that stops watching, for a command that handles its output itself.
 */
export function watchReaders({ stdout, stderr }: Terminal): () => void {
  const onStdout = (error: NodeJS.ErrnoException) => {
    if (!isGone(error)) throw error;
    gone.abort();
  };
  const onStderr = (error: NodeJS.ErrnoException) => {
    if (!isGone(error)) throw error;
  };
  stdout.on('error', onStdout);
  stderr.on('error', onStderr);
  return () => {
    stdout.off('error', onStdout);
    stderr.off('error', onStderr);
  };
}

/** Returns true for the error of a stream whose reader has gone. */
export const isGone = (error: unknown): boolean => (error as NodeJS.ErrnoException)?.code === 'EPIPE';
