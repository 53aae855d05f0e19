import { Worker } from 'node:worker_threads';
import { type Code, ServiceError } from '../../shared/errors.ts';
import type { Caller } from '../encoder/protocol.ts';
import type { PreprocessMode } from '../model.ts';
import { takeOwnLargePlace } from './large-places.ts';
import type { CropOptions } from './preprocess.ts';

/** The options with which the thread starts. */
export interface CropThreadOptions extends Omit<CropOptions, 'caller'> {
  /** The maximum number of images that are decoded at the same time. */
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
  /** The permission that `largeAsked` requested. It ends with the reply for the image. */
  | { type: 'largeGranted'; id: number }
  /**
   * The caller of this image no longer waits. An image whose decoding has not begun is not decoded, but it still gets a
   * reply.
   */
  | { type: 'cancel'; id: number }
  /** The thread ends after it has replied for all images. */
  | { type: 'close' };

export type FromCropThread =
  | { type: 'largeAsked'; id: number }
  | { type: 'cropped'; id: number; pixels: Uint8Array }
  | { type: 'failed'; id: number; code: Code; message: string };

export interface CropThread {
  /**
   * Runs `crop` of `preprocess.ts` in the thread, on a copy of the bytes.
   * @param mode the mode to use instead of that of the options.
   * @throws {ServiceError} the errors of `crop`; the reason of the caller's signal, when it aborts first.
   */
  crop(bytes: Uint8Array, caller: Caller, mode?: PreprocessMode): Promise<Uint8Array>;
  /** Ends the thread after it has replied for all images. */
  close(): void;
}

/**
 * Starts a thread that crops images. A run of a tower blocks the thread that started the run. With a separate thread,
 * images that have arrived are decoded during the run, and resampling never delays a run.
 */
export function startCropThread(options: CropThreadOptions): CropThread {
  const thread = new Worker(new URL('./crop-thread.ts', import.meta.url), { workerData: options });
  interface Image {
    caller: Caller;
    /** Ends the permission to decode a large image. */
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
  // The process cannot work without the crop thread, so an error of the thread ends the process. The pool starts
  // another process.
  thread.on('error', (error) => {
    throw error;
  });
  // The crop thread does not keep the process alive.
  thread.unref();
  const send = (message: ToCropThread, transfer: ArrayBuffer[] = []) => thread.postMessage(message, transfer);

  async function grantLarge(id: number): Promise<void> {
    const image = asked.get(id);
    if (image === undefined) return;
    const { signal, takeLargePlace = takeOwnLargePlace(image.caller) } = image.caller;
    // When the signal aborts first, no permission is sent. The abort listener has sent `cancel`, so the thread still
    // replies.
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
          // A copy is transferred to the thread, since a transfer removes the bytes from the caller, which may need
          // them again.
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
