import type { Embedded } from '../encoder/protocol.ts';
import type { TaskQueue } from './task-queue.ts';

/** An image, as the bytes of its file, or a text. */
export type EncoderInput = { image: Uint8Array } | { text: string };
export type InputKind = 'image' | 'text';
export const kindOf = (input: EncoderInput): InputKind => ('image' in input ? 'image' : 'text');

/** One input to embed, from the call of `embed` until its result. */
export interface Task {
  input: EncoderInput;
  interactive: boolean;
  tenant: string;
  signal: AbortSignal | undefined;
  /** The queue in which the task waits, and which counts it while an encoder processes it. */
  queue: TaskQueue<Task>;
  /** The number of encoders that have crashed while this task was their only task. */
  deaths: number;
  resolve(embedded: Embedded): void;
  reject(error: unknown): void;
}
