import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from '../../shared/child-environment.js';
import { ServiceError } from '../../shared/errors.ts';
import { hasUnlikeNumber, parseExactly } from '../../shared/exact-json.ts';
import type { Header, ReadOptions } from '../format.ts';
import type { ReadItem } from '../items.ts';
import type { ChildError, ChildOptions } from './child.ts';
import { type Frame, framesIn, frameTypes } from './frames.ts';
import type { Spool } from './spool.ts';

const MiB = 1024 * 1024;

/** The limits of the child process that reads a Parquet file. */
export interface ChildLimits {
  /** The maximum size in bytes of the process's data memory. The operating system enforces it. */
  memoryBytes: number;
  /** The maximum size in bytes of the process's JavaScript heap. */
  heapBytes: number;
  /** The maximum time that the parent waits for the next rows, in ms. */
  silenceMs: number;
  /** The maximum CPU time, in seconds. */
  cpuSeconds: number;
}

const defaultLimits: ChildLimits = {
  memoryBytes: 1024 * MiB,
  heapBytes: 384 * MiB,
  silenceMs: 240_000,
  cpuSeconds: 600,
};

/**
 * The maximum ratio of the JSON of all items to the size of their Parquet file, after the first `freeBytes` of JSON.
 * Gzip bodies have the same maximum ratio.
 */
const maxExpansion = 200;
const freeBytes = 16 * MiB;
/**
 * The interval in ms between empty groups while the next rows are awaited. An empty group shows the caller that reading
 * continues.
 */
const tickMs = 5_000;

const entry = fileURLToPath(new URL('./child.ts', import.meta.url));

/**
 * A shell script that limits its own process and then replaces itself with the child program. When the machine runs out
 * of memory, the system kills this process before others. A limit that the system does not support is skipped.
 */
const limited =
  'ulimit -c 0; ulimit -t "$1" 2>/dev/null; ulimit -d "$2" 2>/dev/null; echo 1000 2>/dev/null >/proc/self/oom_score_adj; shift 2; exec "$@"';

type Child = ChildProcessByStdio<null, Readable, null>;

function start({ handle, bytes }: Spool, options: ReadOptions, limits: ChildLimits): Child {
  const { columns, strictness } = options;
  const read: ChildOptions = { bytes: bytes(), columns, strictness };
  const { memoryBytes, heapBytes, cpuSeconds } = limits;
  const node = [process.execPath, `--max-old-space-size=${heapBytes / MiB}`, entry, JSON.stringify(read)];
  const args = ['-c', limited, 'sh', String(cpuSeconds), String(memoryBytes / 1024), ...node];
  return spawn('/bin/sh', args, {
    env: childEnvironment('fileReader', { UV_THREADPOOL_SIZE: '2', MALLOC_ARENA_MAX: '2' }),
    stdio: ['ignore', 'pipe', 'ignore', handle.fd],
  }) as unknown as Child;
}

/**
 * Reads the items of a file in a separate process, which is ended when the reading ends for any reason. If a malicious
 * file exhausts memory or time, only that process ends.
 * @throws {ServiceError} `request.invalid`, `request.too_large`. Throws the reason of `options.signal` when this signal
 * aborts.
 */
export async function* itemsOfIsolated(
  spool: Spool,
  options: ReadOptions,
  onHeader: (header: Header) => void,
  limits: Partial<ChildLimits> = {},
): AsyncGenerator<ReadItem[]> {
  const all = { ...defaultLimits, ...limits };
  options.signal?.throwIfAborted();
  const child = start(spool, options, all);
  const end = () => void child.kill('SIGKILL');
  options.signal?.addEventListener('abort', end);
  const exited = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  const most = freeBytes + maxExpansion * spool.bytes();
  let received = 0;
  try {
    const frames = framesIn(child.stdout, (held) => options.pending?.set(held));
    for (;;) {
      const frame = yield* awaited(frames, all.silenceMs, end);
      options.signal?.throwIfAborted();
      if (frame === 'silent')
        throw tooMuch(`takes more than ${all.silenceMs / 1000} s to decode some of its rows; write smaller row groups`);
      if (frame === undefined) {
        throw tooMuch(`needs more memory or time than one file may use (${await exited}); write smaller row groups`);
      }
      if (frame.type === frameTypes.end) return;
      received += frame.body.length;
      if (received > most) throw tooMuch(`grows to more than ${maxExpansion} times its size`);
      const value = toValue(frame);
      if (frame.type === frameTypes.header) onHeader(value as Header);
      else yield value as ReadItem[];
    }
  } finally {
    options.signal?.removeEventListener('abort', end);
    end();
  }
}

/**
 * Yields empty groups until the next frame arrives.
 * @returns the frame; undefined when the child has ended; `silent` when the maximum time has passed.
 */
async function* awaited(
  frames: AsyncGenerator<Frame>,
  silenceMs: number,
  end: () => void,
): AsyncGenerator<ReadItem[], Frame | 'silent' | undefined> {
  let next: IteratorResult<Frame> | undefined;
  const coming = frames.next().then((result) => {
    next = result;
  });
  const startedAt = performance.now();
  for (;;) {
    const left = silenceMs - (performance.now() - startedAt);
    await Promise.race([coming, elapsed(Math.max(1, Math.min(tickMs, left)))]);
    if (next !== undefined) return next.done ? undefined : next.value;
    if (performance.now() - startedAt >= silenceMs) {
      end();
      await coming.catch(() => {});
      return 'silent';
    }
    yield [];
  }
}

const elapsed = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref());

/** Returns the value in a frame. @throws {ServiceError} the error that the child sent. */
function toValue({ type, body }: Frame): unknown {
  const text = body.toString();
  if (type !== frameTypes.error) return hasUnlikeNumber(text) ? parseExactly(text) : JSON.parse(text);
  const { code, message, faults } = JSON.parse(text) as ChildError;
  throw new ServiceError(code, message, faults && { faults });
}

function tooMuch(problem: string): ServiceError {
  return new ServiceError('request.too_large', `The Parquet file ${problem}`, {
    faults: [{ path: 'file', message: problem }],
  });
}
