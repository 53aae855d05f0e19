import { parentPort, workerData } from 'node:worker_threads';
import { ServiceError, toItemError } from '../../shared/errors.ts';
import { limitDecodes } from './decode-limits.ts';
import { crop } from './preprocess.ts';
import type { CropThreadOptions, FromCropThread, ToCropThread } from './threaded-crop.ts';

/** The thread that decodes and resamples, while the thread that started it answers and runs the towers. */
const { places, ...options } = workerData as CropThreadOptions;
limitDecodes(places);

const send = (message: FromCropThread, transfer: ArrayBuffer[] = []) => parentPort?.postMessage(message, transfer);
const cancels = new Map<number, AbortController>();

parentPort?.on('message', (message: ToCropThread) => {
  switch (message.type) {
    case 'crop':
      void answer(message);
      break;
    case 'cancel':
      cancels.get(message.id)?.abort(new ServiceError('cancelled', 'The image is not needed any more'));
      break;
    case 'close':
      parentPort?.close();
      break;
  }
});

async function answer({ id, bytes, interactive, tenant, mode = options.mode }: ToCropThread & { type: 'crop' }) {
  const cancel = new AbortController();
  cancels.set(id, cancel);
  try {
    const caller = { interactive, tenant, signal: cancel.signal };
    const pixels = await crop(bytes, { ...options, ...(mode && { mode }), caller });
    // What libvips has made lies in memory that cannot be handed over.
    const own = pixels instanceof Buffer ? new Uint8Array(pixels) : pixels;
    send({ type: 'cropped', id, pixels: own }, [own.buffer as ArrayBuffer]);
  } catch (error) {
    send({ type: 'failed', id, ...toItemError(error) });
  } finally {
    cancels.delete(id);
  }
}
