import type { Code } from '../../shared/errors.ts';
import type { ModelSpec } from '../model.ts';

/** Messages to an encoder process, sent in lists. The first one is `load`. */
export type ToEncoder =
  | ({ type: 'load' } & LoadOptions)
  | { type: 'image'; id: number; interactive: boolean; tenant: string; bytes: ImageBytes }
  | { type: 'text'; id: number; interactive: boolean; tenant: string; text: string }
  /**
   * The caller of this image no longer waits. If decoding has not begun, the image is skipped. A reply follows in any
   * case.
   */
  | { type: 'cancel'; id: number }
  /**
   * Measures which number of images in a run has the best throughput, until other work arrives.
   * @param known images per second of sizes that were measured earlier.
   */
  | { type: 'calibrate'; known: Record<number, number> }
  | { type: 'micro_batch'; images: number };

/** An encoded image: its bytes, or its slot in the memory that is shared with the parent. */
export type ImageBytes = Uint8Array | { slot: number; length: number };

/**
 * Shared memory for encoded images: `count` slots of `bytes` each. Nine of ten web photos fit. Larger images are sent
 * in messages.
 */
export const imageSlots = { count: 256, bytes: 131_072, childFd: 4 } as const;

export interface LoadOptions {
  spec: ModelSpec;
  /** Intra-op threads of each ONNX session. */
  threads: number;
  deviceId: number;
  maxPixels: number;
  /** The number of decoder processes. 0: the encoder decodes images itself. */
  decoders?: number;
}

export interface Caller {
  interactive: boolean;
  tenant?: string | undefined;
  /** Aborted when the caller no longer waits for the result. */
  signal?: AbortSignal | undefined;
  /**
   * Waits for permission to decode a large image, which needs much memory. Default: the limit of this process
   * (`pixels/decode-limits.ts`).
   * @returns a function that gives the permission back.
   * @throws the reason of the signal, when it aborts first.
   */
  takeLargePlace?: ((signal?: AbortSignal) => Promise<() => void>) | undefined;
  /** Called when decoding takes longer than `slowDecodeMs`, without waiting time. */
  onSlowDecode?: (() => void) | undefined;
}

/**
 * Messages from an encoder process, sent in lists. The first one is `loaded` or `load_failed`. One reply follows for
 * each image and text, in any order.
 */
export type FromEncoder =
  | { type: 'loaded'; verified: boolean }
  | { type: 'load_failed'; message: string }
  | { type: 'embedded'; id: number; embedded: Embedded }
  | { type: 'failed'; id: number; code: Code; message: string }
  /** Decoding of this image is slow, or hangs. Its reply follows when decoding ends. */
  | { type: 'slow_decode'; id: number }
  /** The end of a calibration. After an interruption, `isComplete` is false and only measured sizes are included. */
  | { type: 'calibrated'; calibration: Calibration; isComplete: boolean }
  /** Device memory did not suffice. `images` is the new maximum number of images in a run. */
  | { type: 'shrunk'; images: number }
  | ({ type: 'ran' } & TowerRun);

/** One inference run of the vision or the text model. */
export interface TowerRun {
  input: 'image' | 'text';
  inputs: number;
  milliseconds: number;
}

/** The throughput of the vision model by the number of images in a run. */
export interface Calibration {
  /** The number of images with the best throughput, which becomes the maximum of a run. */
  images: number;
  /** Images per second, by the number of images in a run. Only inference time counts. */
  imagesPerSecond: Record<number, number>;
}

export interface Embedded {
  /** The L2-normalised embedding, of length `dimensions`. */
  embedding: Float32Array;
  /** The time in ms for decoding the image, or for tokenizing the text. */
  decodeMs: number;
  /** The duration in ms of the inference run, which all its inputs share. */
  inferenceMs: number;
  runInputs: number;
  /** Start times of decoding and inference, in ms since 1970. Absent when this call has not caused the run. */
  began?: { decode: number; run: number };
  /** Tokens that the text model read; 0 for an image. */
  tokens: number;
  /** Tokens of the whole text. Exceeds `tokens` when the text was truncated. */
  totalTokens: number;
}
