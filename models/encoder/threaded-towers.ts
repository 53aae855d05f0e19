import { Worker } from 'node:worker_threads';
import { type ModelSpec, pixelBytes } from '../model.ts';
import { roomFor, rowsOf, stage, type Towers } from './towers.ts';

export type ToTowerThread =
  /** The inputs of one run. `pixels` is in shared memory. */
  { id: number; pixels: Uint8Array; count: number } | { id: number; ids: readonly (readonly number[])[] };

export type FromTowerThread =
  | { type: 'loaded' }
  | { type: 'load_failed'; reason: string }
  | { type: 'began'; id: number }
  | { type: 'ran'; id: number; embeddings: Float32Array }
  | { type: 'failed'; id: number; reason: string };

/** The thread gets the current run and the next one, whose pixels are then ready when the current run ends. */
export const runsAhead = 2;

/**
 * Loads the model in a separate thread. A run blocks its thread (12 ms for 64 images of ViT-B/32 on a GPU), and the
 * main thread must supply images meanwhile.
 */
export async function loadTowersInThread(
  spec: ModelSpec,
  threads: number,
  deviceId = 0,
): Promise<Towers & { close(): void }> {
  const entry = new URL('./tower-thread.ts', import.meta.url);
  const thread = new Worker(entry, { workerData: { spec, threads, deviceId } });
  const size = pixelBytes(spec.image);
  const spare: Uint8Array[] = [];
  const runs = new Map<
    number,
    { count: number; onBegin: () => void; resolve(rows: Float32Array[]): void; reject(error: Error): void }
  >();
  let nextId = 1;

  const { promise: loaded, resolve, reject } = Promise.withResolvers<void>();
  thread.on('message', (message: FromTowerThread) => {
    if (message.type === 'loaded') return resolve();
    if (message.type === 'load_failed') return reject(new Error(message.reason));
    const run = runs.get(message.id);
    if (message.type === 'began') return run?.onBegin();
    runs.delete(message.id);
    if (message.type === 'ran') run?.resolve(rowsOf(message.embeddings, run.count));
    else run?.reject(new Error(message.reason));
  });
  // Ends the process, which cannot work without this thread. The pool starts another process.
  thread.on('error', (error) => {
    throw error;
  });
  await loaded;

  function run(message: ToTowerThread, count: number, onBegin: () => void): Promise<Float32Array[]> {
    return new Promise((resolve, reject) => {
      runs.set(message.id, { count, onBegin, resolve, reject });
      thread.postMessage(message);
    });
  }

  return {
    async images(pixels, onBegin = () => {}) {
      const bytes = roomFor(spec.provider, pixels.length) * size;
      let staging = spare.pop();
      if (staging === undefined || staging.length < bytes) staging = new Uint8Array(new SharedArrayBuffer(bytes));
      try {
        stage(pixels, staging, size);
        const message = { id: nextId++, pixels: staging.subarray(0, bytes), count: pixels.length };
        return await run(message, pixels.length, onBegin);
      } finally {
        spare.push(staging);
      }
    },
    texts: (ids, onBegin = () => {}) => run({ id: nextId++, ids }, ids.length, onBegin),
    close: () => void thread.terminate(),
  };
}
