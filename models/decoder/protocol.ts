import type { Code } from '../../shared/errors.ts';
import type { CropOptions } from '../pixels/preprocess.ts';

/** What a decoder needs to know first. */
export interface DecoderOptions extends Omit<CropOptions, 'caller'> {
  /** Bytes of a slot for pixels, and of one for encoded images; none where there are no slots. */
  pixelSlotBytes?: number | undefined;
  imageSlotBytes?: number | undefined;
}

/** Descriptors that a decoder inherits: the pipe, and those of the slots. */
export const decoderFds = { pipe: 4, pixels: 5, images: 6 } as const;

/** Types of the frames between an encoder and its decoders. The id is that of the image. */
export const frameTypes = {
  /** To a decoder, once and first: {@link DecoderOptions} as JSON. */
  options: 1,
  /** To a decoder: an encoded image, as the body; or in a slot, which is the first number, and its length the second. */
  image: 2,
  imageInSlot: 8,
  /** To a decoder, before an image: the slot for its pixels is the first number. */
  pixelSlot: 9,
  /** To a decoder: the image has its place among the large ones. */
  largeGranted: 3,
  /** From a decoder: the crop; as the body, or in the slot that it was given. */
  pixels: 4,
  pixelsInSlot: 10,
  /** From a decoder: {@link DecodeFault} as JSON. */
  failed: 5,
  /** From a decoder: the image needs a place among the large ones; and it has no more need of it. */
  largeAsked: 6,
  largeDone: 7,
} as const;

export interface DecodeFault {
  code: Code;
  message: string;
}
