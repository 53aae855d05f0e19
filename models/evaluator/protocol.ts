import type { Code } from '../../shared/errors.ts';
import type { ModelSpec } from '../model.ts';

/** What an evaluator process is told. The first message is `load`. */
export type ToEvaluator =
  | { type: 'load'; spec: ModelSpec; threads: number; maxPixels: number }
  | { type: 'image'; id: number; interactive: boolean; bytes: Uint8Array }
  | { type: 'text'; id: number; interactive: boolean; text: string };

/** What it answers. `loaded` or `load_failed` once, then one answer for each image and text, in any order. */
export type FromEvaluator =
  | { type: 'loaded' }
  | { type: 'load_failed'; message: string }
  | { type: 'embedded'; id: number; embedded: Embedded }
  | { type: 'failed'; id: number; code: Code; message: string };

/** An embedding with what it took. */
export interface Embedded {
  /** L2-normalised, length `dimensions`. */
  embedding: Float32Array;
  /** Milliseconds from bytes to tensor, or from text to tokens. */
  decodeMs: number;
  /** Milliseconds of the run that computed it, shared by all of its micro-batch. */
  inferenceMs: number;
  warnings: string[];
  /** Tokens the text tower read; 0 for a picture. */
  tokens: number;
}
