import { flushCompileCache } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import { ServiceError, toItemError } from '../../shared/errors.ts';
import type { ImageBytes } from '../encoder/protocol.ts';
import { pixelBytes } from '../model.ts';
import { slotsOf } from '../slots.ts';
import { limitDecodes } from './decode-limits.ts';
import { crop } from './preprocess.ts';
import type { CropThreadData, FromCropThread, ToCropThread } from './threaded-crop.ts';

/** Entry point of the thread that decodes and resamples images. The main thread answers messages and runs the model. */
const { places, imageSlots, blocks, ...options } = workerData as CropThreadData;
limitDecodes(places);
const slots = imageSlots && slotsOf(imageSlots.fd, imageSlots.slotBytes);
const size = pixelBytes(options.recipe);

const send = (message: FromCropThread, transfer: ArrayBuffer[] = []) => parentPort?.postMessage(message, transfer);
const cancels = new Map<number, AbortController>();
/** False until the first image. V8's compile cache is then written, because the process ends by SIGKILL. */
let hasCropped = false;
/** Callbacks by image id, called when decoding of a large image is permitted. */
const granted = new Map<number, () => void>();

parentPort?.on('message', (message: ToCropThread) => {
  switch (message.type) {
    case 'crop':
      void answer(message);
      break;
    case 'largeGranted':
      granted.get(message.id)?.();
      break;
    case 'cancel':
      cancels.get(message.id)?.abort(new ServiceError('cancelled', 'The image is no longer needed'));
      break;
    case 'close':
      parentPort?.close();
      break;
  }
});

function bytesIn(image: ImageBytes): Uint8Array {
  if (image instanceof Uint8Array) return image;
  const bytes = Buffer.allocUnsafeSlow(image.length);
  slots?.read(image.slot, bytes);
  return bytes;
}

async function answer({ id, bytes, block, interactive, tenant, mode = options.mode }: ToCropThread & { type: 'crop' }) {
  const cancel = new AbortController();
  cancels.set(id, cancel);
  try {
    const takeLargePlace = (signal?: AbortSignal) => askForLargePlace(id, signal);
    const caller = { interactive, tenant, signal: cancel.signal, takeLargePlace };
    const pixels = await crop(bytesIn(bytes), { ...options, ...(mode && { mode }), caller });
    if (block !== undefined) {
      new Uint8Array(blocks, block * size, size).set(pixels);
      return send({ type: 'cropped', id });
    }
    // Buffers of libvips cannot be transferred to another thread.
    const own = pixels instanceof Buffer ? new Uint8Array(pixels) : pixels;
    send({ type: 'cropped', id, pixels: own }, [own.buffer as ArrayBuffer]);
  } catch (error) {
    send({ type: 'failed', id, ...toItemError(error) });
  } finally {
    cancels.delete(id);
    granted.delete(id);
    if (!hasCropped) flushCompileCache();
    hasCropped = true;
  }
}

/** Asks the main thread for permission to decode a large image. The permission ends with the reply for the image. */
function askForLargePlace(id: number, signal: AbortSignal | undefined): Promise<() => void> {
  return new Promise((resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    granted.set(id, () => resolve(() => {}));
    send({ type: 'largeAsked', id });
  });
}
