import type { Embedded } from '../encoder/protocol.ts';
import type { TaskQueue } from './task-queue.ts';

/** One image, encoded as a file, or one text. */
export type EncoderInput = { image: Uint8Array } | { text: string };
export type InputKind = 'image' | 'text';
export const kindOf = (input: EncoderInput): InputKind => ('image' in input ? 'image' : 'text');

/** One input to embed, from the call of `embed` until its answer. */
export interface Task {
  input: EncoderInput;
  interactive: boolean;
  tenant: string;
  signal: AbortSignal | undefined;
  /** The queue where it waits, and where it counts while an encoder holds it. */
  queue: TaskQueue<Task>;
  /** Encoders that ended while this task was alone in them. */
  deaths: number;
  resolve(embedded: Embedded): void;
  reject(error: unknown): void;
}
