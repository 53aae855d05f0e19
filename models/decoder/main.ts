import { Socket } from 'node:net';
import { toItemError } from '../../shared/errors.ts';
import type { Caller } from '../encoder/protocol.ts';
import { lowerPriority } from '../niceness.ts';
import { crop } from '../pixels/preprocess.ts';
import { type Slots, slotsOf } from '../slots.ts';
import { readFrames, writeFrame } from './frames.ts';
import { type DecoderOptions, decoderFds, frameTypes } from './protocol.ts';

/** Lower priority than the encoder, which must supply the GPU with images. */
const niceness = 10;

process.title = 'vls-decoder';
lowerPriority(niceness);

// The parent decides when this process ends. When the parent ends, this process ends too.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('disconnect', () => process.exit(0));

const pipe = new Socket({ fd: decoderFds.pipe, readable: true, writable: true });
pipe.on('error', () => process.exit(0));
pipe.on('close', () => process.exit(0));

let options: DecoderOptions | undefined;
let pixelSlots: Slots | undefined;
let imageSlots: Slots | undefined;
/** Shared memory slots for the pixels of coming images, by image id. */
const given = new Map<number, number>();
/** Callbacks by image id, called when decoding of a large image is permitted. */
const granted = new Map<number, () => void>();

/** Waits for permission from the encoder, which knows the tenants of all images. */
async function takeLargePlace(id: number): Promise<() => void> {
  await new Promise<void>((resolve) => {
    granted.set(id, resolve);
    writeFrame(pipe, frameTypes.largeAsked, id);
  });
  granted.delete(id);
  return () => writeFrame(pipe, frameTypes.largeDone, id);
}

readFrames(pipe, ({ type, id, first, second, body }) => {
  switch (type) {
    case frameTypes.options:
      options = JSON.parse(body.toString()) as DecoderOptions;
      if (options.pixelSlotBytes) pixelSlots = slotsOf(decoderFds.pixels, options.pixelSlotBytes);
      if (options.imageSlotBytes) imageSlots = slotsOf(decoderFds.images, options.imageSlotBytes);
      break;
    case frameTypes.largeGranted:
      granted.get(id)?.();
      break;
    case frameTypes.pixelSlot:
      given.set(id, first);
      break;
    case frameTypes.image:
      void decode(id, () => body);
      break;
    case frameTypes.imageInSlot:
      void decode(id, () => {
        const bytes = Buffer.allocUnsafeSlow(second);
        imageSlots?.read(first, bytes);
        return bytes;
      });
      break;
  }
});

async function decode(id: number, read: () => Uint8Array): Promise<void> {
  const caller: Caller = { interactive: false, takeLargePlace: () => takeLargePlace(id) };
  const slot = given.get(id);
  given.delete(id);
  try {
    if (options === undefined) throw new Error('The decoder received an image before its options');
    const pixels = await crop(read(), { ...options, caller });
    if (slot !== undefined && pixelSlots?.write(slot, pixels)) writeFrame(pipe, frameTypes.pixelsInSlot, id);
    else writeFrame(pipe, frameTypes.pixels, id, pixels);
  } catch (error) {
    writeFrame(pipe, frameTypes.failed, id, Buffer.from(JSON.stringify(toItemError(error))));
  }
}
