import type { Code } from '../../shared/errors.ts';
import type { ModelSpec } from '../model.ts';

/** What an encoder process is told, in lists. The first message is `load`. */
export type ToEncoder =
  | ({ type: 'load' } & LoadOptions)
  | { type: 'image'; id: number; interactive: boolean; tenant: string; bytes: ImageBytes }
  | { type: 'text'; id: number; interactive: boolean; tenant: string; text: string }
  /** Nobody waits for this image any more: it is not decoded and not run, if that has not begun. It is answered all the same. */
  | { type: 'cancel'; id: number }
  /** Find out, whenever there is nothing else to do, how many pictures a run should take. */
  | { type: 'calibrate' }
  /** From now on a run takes so many pictures at most. */
  | { type: 'micro_batch'; images: number };

/** An encoded image: its bytes, or where they lie in the slots that this process shares with its parent. */
export type ImageBytes = Uint8Array | { slot: number; length: number };

/** Slots for encoded images: 128 KB hold nine of ten photos of the web, others cross as messages. */
export const imageSlots = { count: 256, bytes: 131_072, childFd: 4 } as const;

export interface LoadOptions {
  spec: ModelSpec;
  /** Intra-op threads of its sessions. */
  threads: number;
  /** Which of several devices of the provider. */
  deviceId: number;
  maxPixels: number;
  /** Processes that decode for it; none by default: it decodes itself then. */
  decoders?: number;
}

/** On whose behalf an image is decoded and a tower runs. */
export interface Caller {
  /** Interactive work goes before that of batches. */
  interactive: boolean;
  /** Images of tenants are decoded in fair order. */
  tenant?: string | undefined;
  /** Aborted when nobody waits for the result any more. */
  signal?: AbortSignal | undefined;
  /**
   * Waits for a place for a large image. Default: a place of this process.
   * @returns gives it back.
   * @throws the reason of the signal, when it aborts first.
   */
  takeLargePlace?: ((signal?: AbortSignal) => Promise<() => void>) | undefined;
}

/** What it answers, in lists. `loaded` or `load_failed` once, then one answer for each image and text, in any order. */
export type FromEncoder =
  | { type: 'loaded'; verified: boolean }
  | { type: 'load_failed'; message: string }
  | { type: 'embedded'; id: number; embedded: Embedded }
  | { type: 'failed'; id: number; code: Code; message: string }
  | { type: 'calibrated'; calibration: Calibration }
  /** The device had no memory for more pictures in one run than these. */
  | { type: 'shrunk'; images: number }
  /** A run of a tower over so many inputs has ended. */
  | ({ type: 'ran' } & TowerRun);

/** One run of a tower. */
export interface TowerRun {
  input: 'image' | 'text';
  inputs: number;
  milliseconds: number;
}

/** How fast the vision tower is with micro-batches of several sizes. */
export interface Calibration {
  /** The size to use. */
  images: number;
  /** Pictures a second by size, tower alone. */
  imagesPerSecond: Record<number, number>;
}

/** An embedding with what it took. */
export interface Embedded {
  /** L2-normalised, length `dimensions`. */
  embedding: Float32Array;
  /** Milliseconds from bytes to tensor, or from text to tokens. */
  decodeMs: number;
  /** Milliseconds of the run that computed it, shared by all of its micro-batch. */
  inferenceMs: number;
  /** Inputs of that run. */
  runInputs: number;
  /** When decoding and when the run began, in milliseconds since 1970; nothing when neither was done for this. */
  began?: { decode: number; run: number };
  /** Tokens the text tower read; 0 for a picture. */
  tokens: number;
  /** Tokens of the whole text: more than `tokens` when its end was cut off. */
  totalTokens: number;
}
