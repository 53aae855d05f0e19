import type { Code } from '../../shared/errors.ts';
import type { CropOptions } from '../pixels/preprocess.ts';

/** The options with which a decoder starts. */
export interface DecoderOptions extends Omit<CropOptions, 'caller'> {
  /**
   * The size in bytes of a shared memory slot for pixels; undefined without such slots. `imageSlotBytes` is the size of
   * a slot for encoded images.
   */
  pixelSlotBytes?: number | undefined;
  imageSlotBytes?: number | undefined;
}

/** The file descriptors that a decoder inherits: the pipe, and the shared memory for pixels and for encoded images. */
export const decoderFds = { pipe: 4, pixels: 5, images: 6 } as const;

/** The types of the messages between an encoder and its decoders. The id of each message is the id of an image. */
export const frameTypes = {
  /** Sent to a decoder once, as the first frame: {@link DecoderOptions} as JSON. */
  options: 1,
  /**
   * Sent to a decoder: an encoded image. `image` has the bytes in its body. `imageInSlot` has two numbers instead: the
   * shared memory slot with the bytes, and their length.
   */
  image: 2,
  imageInSlot: 8,
  /** Sent to a decoder before an image. The first number is the shared memory slot for the pixels of this image. */
  pixelSlot: 9,
  /** Sent to a decoder: permission to decode a large image. */
  largeGranted: 3,
  /**
   * Sent by a decoder: the cropped pixels. They are in the body (`pixels`), or in the shared memory slot of the image
   * (`pixelsInSlot`).
   */
  pixels: 4,
  pixelsInSlot: 10,
  /** Sent by a decoder: {@link DecodeFault} as JSON. */
  failed: 5,
  /**
   * Sent by a decoder. `largeAsked` requests permission to decode a large image; `largeDone` reports that the image is
   * decoded.
   */
  largeAsked: 6,
  largeDone: 7,
} as const;

export interface DecodeFault {
  code: Code;
  message: string;
}
