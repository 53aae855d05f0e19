import type { Code } from '../../shared/errors.ts';
import type { CropOptions } from '../pixels/preprocess.ts';

/** The options with which a decoder starts. */
export interface DecoderOptions extends Omit<CropOptions, 'caller'> {
  /** Sizes in bytes of a slot for pixels and of one for encoded images; undefined without slots. */
  pixelSlotBytes?: number | undefined;
  imageSlotBytes?: number | undefined;
}

/** Descriptors that a decoder inherits: the pipe and the two slot files. */
export const decoderFds = { pipe: 4, pixels: 5, images: 6 } as const;

/** Types of the frames between an encoder and its decoders. The frame id is the image id. */
export const frameTypes = {
  /** To a decoder, first and once: {@link DecoderOptions} as JSON. */
  options: 1,
  /** To a decoder: an encoded image, as the body or in a slot. The two numbers are then slot and length. */
  image: 2,
  imageInSlot: 8,
  /** To a decoder, before an image: the first number is the slot for its pixels. */
  pixelSlot: 9,
  /** To a decoder: the image has a large-image place. */
  largeGranted: 3,
  /** From a decoder: the crop, as the body or in the slot of the image. */
  pixels: 4,
  pixelsInSlot: 10,
  /** From a decoder: {@link DecodeFault} as JSON. */
  failed: 5,
  /** From a decoder: the image needs a large-image place; the image no longer needs it. */
  largeAsked: 6,
  largeDone: 7,
} as const;

export interface DecodeFault {
  code: Code;
  message: string;
}
