import type { Code } from '../../shared/errors.ts';
import type { CropOptions } from '../pixels/preprocess.ts';

/** The options with which a decoder starts. */
export interface DecoderOptions extends Omit<CropOptions, 'caller'> {
  /**
   * The size in bytes of a slot for pixels; undefined without such slots. `imageSlotBytes` is the same for encoded
   * images.
   */
  pixelSlotBytes?: number | undefined;
  imageSlotBytes?: number | undefined;
}

/** The file descriptors that a decoder inherits: the pipe and the two files of shared slots. */
export const decoderFds = { pipe: 4, pixels: 5, images: 6 } as const;

/** Types of the frames between an encoder and its decoders. The frame id is the image id. */
export const frameTypes = {
  /** To a decoder, once, as the first frame: {@link DecoderOptions} as JSON. */
  options: 1,
  /**
   * To a decoder: an encoded image. `image` has its bytes in the body. `imageInSlot` has two numbers: the slot that
   * contains the bytes, and their length.
   */
  image: 2,
  imageInSlot: 8,
  /** To a decoder, before an image: the first number is the slot for its pixels. */
  pixelSlot: 9,
  /** To a decoder: permission to decode a large image. */
  largeGranted: 3,
  /** From a decoder: the cropped pixels, in the body (`pixels`) or in the pixel slot of the image (`pixelsInSlot`). */
  pixels: 4,
  pixelsInSlot: 10,
  /** From a decoder: {@link DecodeFault} as JSON. */
  failed: 5,
  /**
   * From a decoder: `largeAsked` asks for permission to decode a large image. `largeDone` reports that the image is
   * decoded.
   */
  largeAsked: 6,
  largeDone: 7,
} as const;

export interface DecodeFault {
  code: Code;
  message: string;
}
