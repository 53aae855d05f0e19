import type { Code } from '../../shared/errors.ts';
import type { CropOptions } from '../pixels/preprocess.ts';

export interface DecoderOptions extends Omit<CropOptions, 'caller'> {
  /**
   * The size of a shared memory slot in bytes; undefined without shared memory. `imageSlotBytes`: for encoded images.
   */
  pixelSlotBytes?: number | undefined;
  imageSlotBytes?: number | undefined;
}

/** Inherited file descriptors: the pipe, and the shared memory for pixels and for encoded images. */
export const decoderFds = { pipe: 4, pixels: 5, images: 6 } as const;

/** Message types. The id of each message is an image id. */
export const frameTypes = {
  /** To a decoder, first: {@link DecoderOptions} as JSON. */
  options: 1,
  /** To a decoder: an encoded image, in the body (`image`), or as shared memory slot and length (`imageInSlot`). */
  image: 2,
  imageInSlot: 8,
  /** To a decoder before an image: the shared memory slot for its pixels. */
  pixelSlot: 9,
  largeGranted: 3,
  /** From a decoder: cropped pixels, in the body (`pixels`) or in the image's shared memory slot (`pixelsInSlot`). */
  pixels: 4,
  pixelsInSlot: 10,
  /** From a decoder: {@link DecodeFault} as JSON. */
  failed: 5,
  /**
   * From a decoder: requests permission for a large image (`largeAsked`), or reports that it is decoded (`largeDone`).
   */
  largeAsked: 6,
  largeDone: 7,
} as const;

export interface DecodeFault {
  code: Code;
  message: string;
}
