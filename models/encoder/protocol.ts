import type { Code } from '../../shared/errors.ts';
import type { ModelSpec } from '../model.ts';

/** Messages to an encoder process, sent in lists. The first one is `load`. */
export type ToEncoder =
  | ({ type: 'load' } & LoadOptions)
  | { type: 'image'; id: number; interactive: boolean; tenant: string; bytes: ImageBytes }
  | { type: 'text'; id: number; interactive: boolean; tenant: string; text: string }
  /**
   * The caller of this image has gone. An image that has not begun is neither decoded nor run. It is still answered.
   */
  | { type: 'cancel'; id: number }
  /**
   * Measure how many images a run should take, until other work arrives.
   * @param known images a second of sizes that were measured before.
   */
  | { type: 'calibrate'; known: Record<number, number> }
  /** From now on a run takes at most this many images. */
  | { type: 'micro_batch'; images: number };

/** An encoded image: its bytes, or their place in the slots shared with the parent. */
export type ImageBytes = Uint8Array | { slot: number; length: number };

/** Slots for encoded images. 128 KB hold nine of ten photos of the web; larger ones are sent as messages. */
export const imageSlots = { count: 256, bytes: 131_072, childFd: 4 } as const;

export interface LoadOptions {
  spec: ModelSpec;
  /** Intra-op threads of its sessions. */
  threads: number;
  /** Index of the device, when the provider has several. */
  deviceId: number;
  maxPixels: number;
  /** Number of decoder processes. By default none: the encoder decodes itself. */
  decoders?: number;
}

/** The caller for whom an image is decoded and embedded. */
export interface Caller {
  /** Interactive work goes before that of batches. */
  interactive: boolean;
  /** Tenants share decoding fairly. */
  tenant?: string | undefined;
  /** Aborted when the caller no longer waits for the result. */
  signal?: AbortSignal | undefined;
  /**
   * Waits for a large-image place. Default: a place of this process.
   * @returns releases the place.
   * @throws the reason of the signal, when it aborts first.
   */
  takeLargePlace?: ((signal?: AbortSignal) => Promise<() => void>) | undefined;
  /** Called when decoding has taken `slowDecodeMs` without its waits, and has not ended. */
  onSlowDecode?: (() => void) | undefined;
}

/**
 * Messages from an encoder process, sent in lists: `loaded` or `load_failed` once, then one answer for each image and
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

/** Throughput of the vision tower by micro-batch size. */
export interface Calibration {
  /** The size to use from now on. */
  images: number;
  /** Images a second by micro-batch size, tower alone. */
  imagesPerSecond: Record<number, number>;
}

/** An embedding with its timings. */
export interface Embedded {
  /** L2-normalised, length `dimensions`. */
  embedding: Float32Array;
  /** Time from bytes to tensor, or from text to tokens (ms). */
  decodeMs: number;
  /** Time of the run that computed it, shared by the whole micro-batch (ms). */
  inferenceMs: number;
  /** Inputs of that run. */
  runInputs: number;
  /** When decoding and the run began, in ms since 1970; absent when the embedding was not computed for this call. */
  began?: { decode: number; run: number };
  /** Tokens that the text tower read; 0 for an image. */
  tokens: number;
  /** Tokens of the whole text; more than `tokens` when the text was truncated. */
  totalTokens: number;
}
