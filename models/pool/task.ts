import type { Embedded } from '../encoder/protocol.ts';
import type { TaskQueue } from './task-queue.ts';

/** The bytes of an image file, or a text. */
export type EncoderInput = { image: Uint8Array } | { text: string };
export type InputKind = 'image' | 'text';
export const kindOf = (input: EncoderInput): InputKind => ('image' in input ? 'image' : 'text');

/** One input, from the call of `embed` until its result. */
export interface Task {
  input: EncoderInput;
  interactive: boolean;
  tenant: string;
  signal: AbortSignal | undefined;
  /** The queue where the task waits, which also counts it while in flight. */
  queue: TaskQueue<Task>;
  /** Encoders that crashed while this was their only task. */
  deaths: number;
  resolve(embedded: Embedded): void;
  reject(error: unknown): void;
}
