import type { Code } from '../../shared/errors.ts';
import type { CropOptions } from '../pixels/preprocess.ts';

/** The options with which a decoder starts. */
export interface DecoderOptions extends Omit<CropOptions, 'caller'> {
  /** The size in bytes of a slot for pixels and of a slot for encoded images; undefined without slots. */
  pixelSlotBytes?: number | undefined;
  imageSlotBytes?: number | undefined;
}

/** The file descriptors that a decoder inherits: the pipe and the two files of shared slots. */
export const decoderFds = { pipe: 4, pixels: 5, images: 6 } as const;

/** Types of the frames between an encoder and its decoders. The frame id is the image id. */
export const frameTypes = {
  /** To a decoder, once, as the first frame: {@link DecoderOptions} as JSON. */
  options: 1,
  /** To a decoder: an encoded image, in the body or in a slot. For a slot, the two numbers are slot and length. */
  image: 2,
  imageInSlot: 8,
  /** To a decoder, before an image: the first number is the slot for its pixels. */
  pixelSlot: 9,
  /** To a decoder: permission to decode a large image. */
  largeGranted: 3,
  /** From a decoder: the cropped pixels, in the body or in the slot of the image. */
  pixels: 4,
  pixelsInSlot: 10,
  /** From a decoder: {@link DecodeFault} as JSON. */
  failed: 5,
  /** From a decoder: it asks for permission to decode a large image; it has decoded the large image. */
  largeAsked: 6,
  largeDone: 7,
} as const;

export interface DecodeFault {
  code: Code;
  message: string;
}
