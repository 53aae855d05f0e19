import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from '../../shared/child-environment.js';
import { ServiceError } from '../../shared/errors.ts';
import type { PendingBytes } from '../format.ts';
import type { ChildError, ChildOptions, ChildTask } from './child.ts';
import { type Frame, framesIn, frameTypes } from './frames.ts';
import type { Spool } from './spool.ts';

const MiB = 1024 * 1024;

export interface ChildLimits {
  /** The maximum data memory of the process in bytes, enforced by the operating system. */
  memoryBytes: number;
  heapBytes: number;
  /** The maximum time in ms for which the parent waits for the next rows. */
  silenceMs: number;
  cpuSeconds: number;
}

const defaultLimits: ChildLimits = {
  memoryBytes: 1024 * MiB,
  heapBytes: 384 * MiB,
  silenceMs: 240_000,
  cpuSeconds: 600,
};

/** The maximum ratio of received bytes to the size of the Parquet file, after `freeBytes`, as for gzip bodies. */
const maxExpansion = 200;
const freeBytes = 16 * MiB;
/** The interval in ms at which undefined is yielded, to show that the reader is alive. */
const tickMs = 5_000;

const entry = fileURLToPath(new URL('./child.ts', import.meta.url));

/**
 * Limits the shell's own process, then runs the child program in it. When memory runs out, the system kills it first.
 * Unsupported limits are skipped.
 */
const limited =
  'ulimit -c 0; ulimit -t "$1" 2>/dev/null; ulimit -d "$2" 2>/dev/null; echo 1000 2>/dev/null >/proc/self/oom_score_adj; shift 2; exec "$@"';

type Child = ChildProcessByStdio<Writable, Readable, null>;

function start({ handle, bytes }: Spool, task: ChildTask, limits: ChildLimits): Child {
  const read: ChildOptions = { ...task, bytes: bytes() };
  const { memoryBytes, heapBytes, cpuSeconds } = limits;
  const node = [process.execPath, `--max-old-space-size=${heapBytes / MiB}`, entry, JSON.stringify(read)];
  const args = ['-c', limited, 'sh', String(cpuSeconds), String(memoryBytes / 1024), ...node];
  return spawn('/bin/sh', args, {
    env: childEnvironment('fileReader', { UV_THREADPOOL_SIZE: '2', MALLOC_ARENA_MAX: '2' }),
    stdio: ['pipe', 'pipe', 'ignore', handle.fd],
  }) as unknown as Child;
}

export interface ChildIo {
  signal?: AbortSignal | undefined;
  pending?: PendingBytes | undefined;
  input?: Uint8Array | undefined;
}

/**
 * Runs a task on a file in a child process, so that a malicious file that exhausts memory or time ends only this
 * process. Yields its frames, and undefined at intervals.
 * @throws {ServiceError} `request.invalid`, `request.too_large`; or the signal's reason when it aborts.
 */
export async function* framesOfChild(
  spool: Spool,
  task: ChildTask,
  { signal, pending, input = new Uint8Array() }: ChildIo,
  limits: Partial<ChildLimits> = {},
): AsyncGenerator<Frame | undefined> {
  const all = { ...defaultLimits, ...limits };
  signal?.throwIfAborted();
  const child = start(spool, task, all);
  const end = () => void child.kill('SIGKILL');
  signal?.addEventListener('abort', end);
  const exited = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  // A process that ends early does not read its input; the exit code is reported instead.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const most = freeBytes + maxExpansion * spool.bytes();
  let received = 0;
  try {
    const frames = framesIn(child.stdout, (held) => pending?.set(held));
    for (;;) {
      const frame = yield* awaited(frames, all.silenceMs, end);
      signal?.throwIfAborted();
      if (frame === 'silent')
        throw tooMuch(`takes more than ${all.silenceMs / 1000} s to decode some of its rows; write smaller row groups`);
      if (frame === undefined) {
        throw tooMuch(`needs more memory or time than one file may use (${await exited}); write smaller row groups`);
      }
      if (frame.type === frameTypes.end) return;
      received += frame.body.length;
      if (received > most) throw tooMuch(`grows to more than ${maxExpansion} times its size`);
      if (frame.type === frameTypes.error) {
        const { code, message, faults } = JSON.parse(frame.body.toString()) as ChildError;
        throw new ServiceError(code, message, faults && { faults });
      }
      yield frame;
    }
  } finally {
    signal?.removeEventListener('abort', end);
    end();
  }
}

/**
 * Yields undefined until the next frame arrives.
 * @returns the frame; undefined when the child has ended; `silent` after the maximum time.
 */
async function* awaited(
  frames: AsyncGenerator<Frame>,
  silenceMs: number,
  end: () => void,
): AsyncGenerator<undefined, Frame | 'silent' | undefined> {
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
    yield undefined;
  }
}

const elapsed = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref());

function tooMuch(problem: string): ServiceError {
  return new ServiceError('request.too_large', `The Parquet file ${problem}`, {
    faults: [{ path: 'file', message: problem }],
  });
}
