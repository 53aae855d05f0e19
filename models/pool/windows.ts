import type { InputKind, Task } from './task.ts';

/** Most inputs of each kind in one run of a tower. */
export interface MicroBatch {
  images: number;
  texts: number;
}

/**
 * Tasks beyond the window that interactive requests may have in an encoder, so that they never wait for a batch task to
 * finish.
 */
const interactiveTasks = 8;

/**
 * Tasks of a tenant that go to an encoder although others have filled its window, up to twice the window: large images of
 * one tenant must not delay small ones of another.
 */
const guaranteedTasks = 2;

/**
 * Batch tasks of one kind that an encoder holds at a time.
 *
 * Images: two micro-batches decoded and one running, and enough that the answer's way back never leaves the encoder idle
 * (a micro-batch of 1: 8; of 8: 24). Texts: one run and the next; alone in its run a text costs more than twice as much.
 */
const windowOf = (kind: InputKind, { images, texts }: MicroBatch): number =>
  kind === 'image' ? Math.max(8, 3 * images) : 2 * texts;

/** Returns true when an encoder has capacity for one more task. */
export function hasRoom(
  encoder: { held: Record<InputKind, number>; heldOfBatches: Record<InputKind, number> },
  { interactive, tenant, queue }: Pick<Task, 'interactive' | 'tenant' | 'queue'>,
  kind: InputKind,
  microBatch: MicroBatch,
): boolean {
  const window = windowOf(kind, microBatch) + (interactive ? interactiveTasks : 0);
  const widest = queue.held(tenant) < guaranteedTasks ? 2 * window : window;
  // One run of batch tasks always has room: else they would never reach an encoder that interactive ones keep full.
  const least = interactive ? 0 : kind === 'image' ? microBatch.images : microBatch.texts;
  return encoder.held[kind] < widest || encoder.heldOfBatches[kind] < least;
}

/**
 * Answers to other tasks during which slow decoding must end: two full windows. Fewer may come from an encoder that is
 * slow as a whole.
 */
export const hangingAfter = (microBatch: MicroBatch): number => 2 * (windowOf('image', microBatch) + interactiveTasks);
