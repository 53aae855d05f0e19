import { Worker } from 'node:worker_threads';
import { type Code, ServiceError } from '../../shared/errors.ts';
import type { Caller } from '../encoder/protocol.ts';
import type { PreprocessMode } from '../model.ts';
import { takeOwnLargePlace } from './large-places.ts';
import type { CropOptions } from './preprocess.ts';

/** What the thread is given at its start. */
export interface CropThreadOptions extends Omit<CropOptions, 'caller'> {
  /** How many images are decoded at a time. */
  places: number;
}

export type ToCropThread =
  | {
      type: 'crop';
      id: number;
      bytes: Uint8Array;
      interactive: boolean;
      tenant?: string | undefined;
      mode?: PreprocessMode | undefined;
    }
  /** The place for a large image that `largeAsked` has asked for. Its answer gives it back. */
  | { type: 'largeGranted'; id: number }
  /** Nobody waits for this image any more; it is not decoded if that has not begun, and answered all the same. */
  | { type: 'cancel'; id: number }
  /** The thread ends when it has answered. */
  | { type: 'close' };

export type FromCropThread =
  | { type: 'largeAsked'; id: number }
  | { type: 'cropped'; id: number; pixels: Uint8Array }
  | { type: 'failed'; id: number; code: Code; message: string };

export interface CropThread {
  /**
   * `crop` of `preprocess.ts`. The bytes are copied.
   * @param mode instead of that of the options.
   * @throws {ServiceError} as `crop`; the reason of the caller's signal, when it aborts first.
   */
  crop(bytes: Uint8Array, caller: Caller, mode?: PreprocessMode): Promise<Uint8Array>;
  /** Ends the thread when it has answered what it was asked. */
  close(): void;
}

/**
 * Starts a thread that crops images. A run of a tower blocks the thread that hands it out; images that arrived before
 * are decoded and resampled meanwhile, and resampling never delays a run.
 */
export function startCropThread(options: CropThreadOptions): CropThread {
  const thread = new Worker(new URL('./crop-thread.ts', import.meta.url), { workerData: options });
  interface Image {
    caller: Caller;
    /** Gives the place of a large image back. */
    release?: () => void;
    resolve(pixels: Uint8Array): void;
    reject(error: unknown): void;
  }
  const asked = new Map<number, Image>();
  let nextId = 1;

  thread.on('message', (message: FromCropThread) => {
    if (message.type === 'largeAsked') return void grantLarge(message.id);
    const image = asked.get(message.id);
    asked.delete(message.id);
    image?.release?.();
    if (message.type === 'cropped') image?.resolve(message.pixels);
    else image?.reject(new ServiceError(message.code, message.message));
  });
  // Without its thread this process is of no use: it ends, and the pool starts another.
  thread.on('error', (error) => {
    throw error;
  });
  // It does not keep its process alive.
  thread.unref();
  const send = (message: ToCropThread, transfer: ArrayBuffer[] = []) => thread.postMessage(message, transfer);

  async function grantLarge(id: number): Promise<void> {
    const image = asked.get(id);
    if (image === undefined) return;
    const { signal, takeLargePlace = takeOwnLargePlace(image.caller) } = image.caller;
    // Without a place it is cancelled, and answered.
    const release = await takeLargePlace(signal).catch(() => undefined);
    if (release === undefined) return;
    if (!asked.has(id)) return release();
    image.release = release;
    send({ type: 'largeGranted', id });
  }

  return {
    async crop(bytes, caller, mode) {
      const { interactive, tenant, signal } = caller;
      signal?.throwIfAborted();
      const id = nextId++;
      const cancel = () => send({ type: 'cancel', id });
      signal?.addEventListener('abort', cancel, { once: true });
      try {
        return await new Promise((resolve, reject) => {
          asked.set(id, { caller, resolve, reject });
          // Crosses without a copy of its own; the caller may need its bytes again.
          const copy = new Uint8Array(bytes);
          send({ type: 'crop', id, bytes: copy, interactive, tenant, mode }, [copy.buffer]);
        });
      } catch (error) {
        throw signal?.aborted ? signal.reason : error;
      } finally {
        signal?.removeEventListener('abort', cancel);
      }
    },
    close() {
      send({ type: 'close' });
    },
  };
}
