import type { Code } from '../../shared/errors.ts';
import type { ModelSpec } from '../model.ts';

/** Messages to an encoder process, sent in lists. The first one is `load`. */
export type ToEncoder =
  | ({ type: 'load' } & LoadOptions)
  | { type: 'image'; id: number; interactive: boolean; tenant: string; bytes: ImageBytes }
  | { type: 'text'; id: number; interactive: boolean; tenant: string; text: string }
  /**
   * The caller of this image no longer waits. An image whose work has not begun is neither decoded nor run, but it
   * still gets a reply.
   */
  | { type: 'cancel'; id: number }
  /**
   * Asks the encoder to measure how many images a run should have, until other work arrives.
   * @param known the images per second of sizes that were measured before.
   */
  | { type: 'calibrate'; known: Record<number, number> }
  /** From now on, a run has at most this number of images. */
  | { type: 'micro_batch'; images: number };

/** An encoded image: its bytes, or its position in the slots that are shared with the parent. */
export type ImageBytes = Uint8Array | { slot: number; length: number };

/**
 * The slots for encoded images. 128 KB are enough for nine of ten photos on the web; larger images are sent as
 * messages.
 */
export const imageSlots = { count: 256, bytes: 131_072, childFd: 4 } as const;

export interface LoadOptions {
  spec: ModelSpec;
  /** The number of intra-op threads of each ONNX session. */
  threads: number;
  /** The index of the device, if the provider has several devices. */
  deviceId: number;
  maxPixels: number;
  /** The number of decoder processes. Default: 0, and the encoder itself decodes images. */
  decoders?: number;
}

/** The caller for whom an image is decoded and embedded. */
export interface Caller {
  /** Interactive work goes before batch work. */
  interactive: boolean;
  /** The tenant. Tenants share decoding fairly. */
  tenant?: string | undefined;
  /** Aborted when the caller no longer waits for the result. */
  signal?: AbortSignal | undefined;
  /**
   * Waits for permission to decode a large image, which needs much memory (`pixels/decode-limits.ts`). When this
   * function is undefined, a limit of this process gives the permission.
   * @returns a function that ends the permission.
   * @throws the reason of the signal, when it aborts first.
   */
  takeLargePlace?: ((signal?: AbortSignal) => Promise<() => void>) | undefined;
  /** Called when decoding has taken `slowDecodeMs` and has not ended. The time of its waits does not count. */
  onSlowDecode?: (() => void) | undefined;
}

/**
 * Messages from an encoder process, sent in lists: `loaded` or `load_failed` once, then one reply for each image and
 * text, in any order.
 */
export type FromEncoder =
  | { type: 'loaded'; verified: boolean }
  | { type: 'load_failed'; message: string }
  | { type: 'embedded'; id: number; embedded: Embedded }
  | { type: 'failed'; id: number; code: Code; message: string }
  /** Decoding of this image is slow, or hangs. The image is still answered when decoding ends. */
  | { type: 'slow_decode'; id: number }
  /**
   * A calibration has ended. When other work has ended it early, `isComplete` is false and `calibration` has only the
   * sizes measured so far.
   */
  | { type: 'calibrated'; calibration: Calibration; isComplete: boolean }
  /** Device memory was insufficient for a run. From now on, a run has at most this number of images. */
  | { type: 'shrunk'; images: number }
  /** A run of a tower has ended. */
  | ({ type: 'ran' } & TowerRun);

/** One run of a tower. */
export interface TowerRun {
  input: 'image' | 'text';
  inputs: number;
  milliseconds: number;
}

/** The throughput of the vision tower for each number of images in a run. */
export interface Calibration {
  /** The micro-batch size with the best throughput: the maximum number of images in a run from now on. */
  images: number;
  /** The throughput of the tower alone, in images per second, by micro-batch size. */
  imagesPerSecond: Record<number, number>;
}

/** An embedding with its timings. */
export interface Embedded {
  /** The L2-normalised embedding, of length `dimensions`. */
  embedding: Float32Array;
  /** The time in ms for converting the bytes of an image to pixels, or a text to tokens. */
  decodeMs: number;
  /** The duration in ms of the run that computed the embedding. It is the same for all inputs of the run. */
  inferenceMs: number;
  /** The number of inputs of the run that computed the embedding. */
  runInputs: number;
  /**
   * The times at which decoding and the run began, in ms since 1970; absent when the embedding was not computed for
   * this call.
   */
  began?: { decode: number; run: number };
  /** The number of tokens that the text tower read; 0 for an image. */
  tokens: number;
  /** The number of tokens of the whole text. It exceeds `tokens` when the text was truncated. */
  totalTokens: number;
}
