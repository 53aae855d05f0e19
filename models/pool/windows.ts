import type { InputKind, Task } from './task.ts';

/** The maximum numbers of images and of texts in one run of a tower. */
export interface MicroBatch {
  images: number;
  texts: number;
}

/**
 * The number of interactive tasks that an encoder accepts beyond its window. The window is the maximum number of batch
 * tasks of one kind that an encoder gets at a time. Interactive tasks therefore never wait until a batch task ends.
 */
const interactiveTasks = 8;

/**
 * A tenant with fewer tasks in flight than this number gets its next task accepted even if other tenants fill the
 * window of an encoder (its maximum number of batch tasks of one kind), up to twice the window. Large images of one
 * tenant therefore do not delay small images of another.
 */
const guaranteedTasks = 2;

/**
 * Returns the window: the maximum number of batch tasks of one kind that an encoder gets at a time.
 *
 * For images, the window is three micro-batches (two being decoded, one in a run), and at least 8 images, so that the
 * encoder is not idle while a reply is on its way. The window is 8 images for a micro-batch of 1, and 24 for a
 * micro-batch of 8. For texts, the window is two micro-batches (the current run and the next one), because a text that
 * is alone in its run costs more than twice as much.
 */
const windowOf = (kind: InputKind, { images, texts }: MicroBatch): number =>
  kind === 'image' ? Math.max(8, 3 * images) : 2 * texts;

/** Returns true when an encoder accepts one more task. */
export function hasRoom(
  encoder: { held: Record<InputKind, number>; heldOfBatches: Record<InputKind, number> },
  { interactive, tenant, queue }: Pick<Task, 'interactive' | 'tenant' | 'queue'>,
  kind: InputKind,
  microBatch: MicroBatch,
): boolean {
  const window = windowOf(kind, microBatch) + (interactive ? interactiveTasks : 0);
  const widest = queue.held(tenant) < guaranteedTasks ? 2 * window : window;
  // An encoder always accepts as many batch tasks as one run takes. Otherwise, while it is full of interactive tasks,
  // it would never get batch tasks.
  const least = interactive ? 0 : kind === 'image' ? microBatch.images : microBatch.texts;
  return encoder.held[kind] < widest || encoder.heldOfBatches[kind] < least;
}

/**
 * An image whose decoding is slow is regarded as hanging after this number of replies to other tasks: two full windows
 * (maximum numbers of tasks of an encoder). If all tasks of an encoder are slow, it sends fewer replies, so the image
 * is not regarded as hanging.
 */
export const hangingAfter = (microBatch: MicroBatch): number => 2 * (windowOf('image', microBatch) + interactiveTasks);
