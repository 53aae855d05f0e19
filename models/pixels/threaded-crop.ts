import { Worker } from 'node:worker_threads';
import { type Code, ServiceError } from '../../shared/errors.ts';
import type { Caller, ImageBytes } from '../encoder/protocol.ts';
import type { Pixels } from '../encoder/towers.ts';
import { type PreprocessMode, pixelBytes } from '../model.ts';
import type { Slots } from '../slots.ts';
import { takeOwnLargePlace } from './large-places.ts';
import type { CropOptions } from './preprocess.ts';

export interface CropThreadOptions extends Omit<CropOptions, 'caller'> {
  /** The maximum number of images that are decoded at the same time. */
  places: number;
  imageSlots?: Pick<Slots, 'fd' | 'slotBytes'> | undefined;
}

export interface CropThreadData extends CropThreadOptions {
  /** Shared memory for the pixels of {@link pixelBlocks} images. */
  blocks: SharedArrayBuffer;
}

/**
 * Images whose pixels fit into shared memory. Others are transferred to the main thread's heap, where 150 KB each
 * caused a garbage collection every 60 images.
 */
const pixelBlocks = 48;

export type ToCropThread =
  | {
      type: 'crop';
      id: number;
      bytes: ImageBytes;
      /** The block of shared memory for the pixels; undefined when all are in use. */
      block: number | undefined;
      interactive: boolean;
      tenant?: string | undefined;
      mode?: PreprocessMode | undefined;
    }
  /** Grants what `largeAsked` requested, until the reply for the image. */
  | { type: 'largeGranted'; id: number }
  /**
   * The caller of this image no longer waits. If decoding has not begun, it is skipped. A reply follows in any case.
   */
  | { type: 'cancel'; id: number }
  /** Ends the thread after it has replied for all images. */
  | { type: 'close' };

export type FromCropThread =
  | { type: 'largeAsked'; id: number }
  /** `pixels` is undefined when the pixels are in the block of the image. */
  | { type: 'cropped'; id: number; pixels?: Uint8Array }
  | { type: 'failed'; id: number; code: Code; message: string };

export interface CropThread {
  /**
   * Runs `crop` of `preprocess.ts` in the thread, on a copy of the bytes.
   * @param mode replaces the thread's mode.
   * @returns pixels, which the caller must release.
   * @throws {ServiceError} the errors of `crop`; the reason of the caller's signal, when it aborts first.
   */
  crop(bytes: ImageBytes, caller: Caller, mode?: PreprocessMode): Promise<Pixels>;
  close(): void;
}

/**
 * Starts a thread that crops images, also while inference blocks its own thread. Resampling then never delays
 * inference.
 */
export function startCropThread(options: CropThreadOptions): CropThread {
  const size = pixelBytes(options.recipe);
  const blocks = new SharedArrayBuffer(pixelBlocks * size);
  const freeBlocks = Array.from({ length: pixelBlocks }, (_, block) => block);
  const workerData: CropThreadData = { ...options, blocks };
  const thread = new Worker(new URL('./crop-thread.ts', import.meta.url), { workerData });
  interface Image {
    caller: Caller;
    block: number | undefined;
    /** Ends the permission to decode a large image. */
    release?: () => void;
    resolve(pixels: Pixels): void;
    reject(error: unknown): void;
  }
  const asked = new Map<number, Image>();
  let nextId = 1;

  thread.on('message', (message: FromCropThread) => {
    if (message.type === 'largeAsked') return void grantLarge(message.id);
    const image = asked.get(message.id);
    asked.delete(message.id);
    if (image === undefined) return;
    image.release?.();
    const { block } = image;
    if (message.type === 'cropped' && message.pixels === undefined && block !== undefined)
      return image.resolve(pixelsIn(block));
    if (block !== undefined) freeBlocks.push(block);
    if (message.type === 'failed') image.reject(new ServiceError(message.code, message.message));
    else image.resolve(message.pixels ?? new Uint8Array());
  });
  // Ends the process, which cannot work without this thread. The pool starts another process.
  thread.on('error', (error) => {
    throw error;
  });
  thread.unref();
  const send = (message: ToCropThread, transfer: ArrayBuffer[] = []) => thread.postMessage(message, transfer);

  function pixelsIn(block: number): Pixels {
    return {
      copyTo: (target) => target.set(new Uint8Array(blocks, block * size, size)),
      release: () => void freeBlocks.push(block),
    };
  }

  async function grantLarge(id: number): Promise<void> {
    const image = asked.get(id);
    if (image === undefined) return;
    const { signal, takeLargePlace = takeOwnLargePlace(image.caller) } = image.caller;
    // After an abort, `cancel` has been sent, to which the thread replies.
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
        const pixels = await new Promise<Pixels>((resolve, reject) => {
          const block = freeBlocks.pop();
          asked.set(id, { caller, block, resolve, reject });
          // Transferring the bytes would take them from the caller, which may need them again.
          const copy = bytes instanceof Uint8Array ? new Uint8Array(bytes) : undefined;
          const message = { type: 'crop', id, bytes: copy ?? bytes, block, interactive, tenant, mode } as const;
          send(message, copy ? [copy.buffer] : []);
        });
        // Decoding may have begun before the abort.
        if (signal?.aborted && !(pixels instanceof Uint8Array)) pixels.release();
        signal?.throwIfAborted();
        return pixels;
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
