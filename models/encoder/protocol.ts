import type { Code } from '../../shared/errors.ts';
import type { ModelSpec } from '../model.ts';

/** Messages to an encoder process. They are sent in lists. The first message is `load`. */
export type ToEncoder =
  | ({ type: 'load' } & LoadOptions)
  | { type: 'image'; id: number; interactive: boolean; tenant: string; bytes: ImageBytes }
  | { type: 'text'; id: number; interactive: boolean; tenant: string; text: string }
  /**
   * The caller of this image no longer waits. If decoding has not begun, the image is neither decoded nor embedded. A
   * reply is sent in any case.
   */
  | { type: 'cancel'; id: number }
  /**
   * Requests a calibration: the encoder measures which number of images in a run has the best throughput. It stops when
   * other work arrives.
   * @param known the images per second of sizes that were measured earlier.
   */
  | { type: 'calibrate'; known: Record<number, number> }
  /** Sets the maximum number of images in a run from now on. */
  | { type: 'micro_batch'; images: number };

/** An encoded image: its bytes, or its position in the memory that is shared with the parent. */
export type ImageBytes = Uint8Array | { slot: number; length: number };

/**
 * The shared memory for encoded images: `count` slots of `bytes` each. 128 KB suffice for nine of ten photos on the
 * web. Larger images are sent in messages.
 */
export const imageSlots = { count: 256, bytes: 131_072, childFd: 4 } as const;

export interface LoadOptions {
  spec: ModelSpec;
  /** The number of intra-op threads of each ONNX session. */
  threads: number;
  /** The index of the device, if the provider has several devices. */
  deviceId: number;
  maxPixels: number;
  /** The number of decoder processes. Default: 0; the encoder then decodes images itself. */
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
   * Waits for permission to decode a large image, which needs much memory. If this function is undefined, this process
   * grants the permission by its own limit (`pixels/decode-limits.ts`).
   * @returns a function that gives the permission back.
   * @throws the reason of the signal, when it aborts first.
   */
  takeLargePlace?: ((signal?: AbortSignal) => Promise<() => void>) | undefined;
  /** Called when decoding has taken longer than `slowDecodeMs`. Time spent waiting does not count. */
  onSlowDecode?: (() => void) | undefined;
}

/**
 * Messages from an encoder process. They are sent in lists. The first message is `loaded` or `load_failed`. Then
 * follows one reply for each image and text, in any order.
 */
export type FromEncoder =
  | { type: 'loaded'; verified: boolean }
  | { type: 'load_failed'; message: string }
  | { type: 'embedded'; id: number; embedded: Embedded }
  | { type: 'failed'; id: number; code: Code; message: string }
  /** Decoding of this image is slow, or hangs. A reply for the image is still sent when decoding ends. */
  | { type: 'slow_decode'; id: number }
  /**
   * A calibration has ended. If other work has interrupted it, `isComplete` is false, and `calibration` contains only
   * the sizes that were measured.
   */
  | { type: 'calibrated'; calibration: Calibration; isComplete: boolean }
  /** Device memory did not suffice for a run. `images` is the new maximum number of images in a run. */
  | { type: 'shrunk'; images: number }
  /** A run of a tower has ended. */
  | ({ type: 'ran' } & TowerRun);

/** One run of a tower. */
export interface TowerRun {
  input: 'image' | 'text';
  inputs: number;
  milliseconds: number;
}

/** The result of a calibration: the throughput of the vision tower by the number of images in a run. */
export interface Calibration {
  /** The micro-batch size with the best throughput. It becomes the maximum number of images in a run. */
  images: number;
  /** The throughput in images per second, by micro-batch size. It includes only the time of the vision tower. */
  imagesPerSecond: Record<number, number>;
}

/** An embedding with its timings. */
export interface Embedded {
  /** The L2-normalised embedding, of length `dimensions`. */
  embedding: Float32Array;
  /** The time in ms for decoding the image to pixels, or for converting the text to tokens. */
  decodeMs: number;
  /** The duration in ms of the run that computed the embedding. It is the same for all inputs of the run. */
  inferenceMs: number;
  /** The number of inputs of the run that computed the embedding. */
  runInputs: number;
  /**
   * The times at which decoding and the encoder run began, in ms since 1970. Absent when this call has not caused the
   * run.
   */
  began?: { decode: number; run: number };
  /** The number of tokens that the text tower read; 0 for an image. */
  tokens: number;
  /** The number of tokens of the whole text. It exceeds `tokens` when the text was truncated. */
  totalTokens: number;
}
