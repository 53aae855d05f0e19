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
   * Measure how many images a run should take, until other work arrives.
   * @param known images a second of sizes that were measured before.
   */
  | { type: 'calibrate'; known: Record<number, number> }
  /** From now on a run takes at most this many images. */
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
  /** The number of intra-op threads of its ONNX sessions. */
  threads: number;
  /** Index of the device, when the provider has several. */
  deviceId: number;
  maxPixels: number;
  /** Number of decoder processes. By default none: the encoder decodes itself. */
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
   * Waits for permission to decode a large image. Default: a limit in this process.
   * @returns a function that ends the permission.
   * @throws the reason of the signal, when it aborts first.
   */
  takeLargePlace?: ((signal?: AbortSignal) => Promise<() => void>) | undefined;
  /** Called when decoding has taken `slowDecodeMs` without its waits, and has not ended. */
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
  /** Incomplete when other work has arrived: then `calibration` has the sizes measured so far. */
  | { type: 'calibrated'; calibration: Calibration; isComplete: boolean }
  /** The device had no memory for runs with more images than this. */
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
  /** The number of images that a run has from now on. */
  images: number;
  /** The throughput in images a second by micro-batch size, of the tower alone. */
  imagesPerSecond: Record<number, number>;
}

/** An embedding with its timings. */
export interface Embedded {
  /** The L2-normalised embedding, of length `dimensions`. */
  embedding: Float32Array;
  /** Time from bytes to tensor, or from text to tokens (ms). */
  decodeMs: number;
  /** Time in ms of the run that computed the embedding, shared by the whole micro-batch. */
  inferenceMs: number;
  /** The number of inputs of that run. */
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
