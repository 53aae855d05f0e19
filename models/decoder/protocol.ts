import type { Code } from '../../shared/errors.ts';

/** Types of the frames between an encoder and its decoders. The id is that of the image. */
export const frameTypes = {
  /** To a decoder, once and first: `CropOptions` as JSON. */
  options: 1,
  /** To a decoder: an encoded image. */
  image: 2,
  /** To a decoder: the image has its place among the large ones. */
  largeGranted: 3,
  /** From a decoder: the crop. */
  pixels: 4,
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
