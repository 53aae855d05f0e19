import type { InputKind, Task } from './task.ts';

/** The maximum numbers of images and of texts in one run of a tower. */
export interface MicroBatch {
  images: number;
  texts: number;
}

/**
 * The number of interactive tasks that an encoder accepts beyond its window. (The window is its maximum number of batch
 * tasks of one kind.) So interactive tasks never wait for the end of a batch task.
 */
const interactiveTasks = 8;

/**
 * The number of tasks in flight below which a tenant is accepted even if other tenants fill the window of an encoder,
 * up to twice the window. So large images of one tenant do not delay small images of another.
 */
const guaranteedTasks = 2;

/**
 * Returns the window: the maximum number of batch tasks of one kind that an encoder gets at a time.
 *
 * For images, it is three micro-batches (two being decoded, one in a run), and at least 8 images, so that the encoder
 * is not idle while a reply is on its way. It is 8 for a micro-batch of 1, and 24 for a micro-batch of 8. For texts, it
 * is two micro-batches (the current run and the next one), because a text that is alone in its run costs more than
 * twice as much.
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
  // Batch tasks for one run are always accepted; otherwise they would never reach an encoder that is full of
  // interactive tasks.
  const least = interactive ? 0 : kind === 'image' ? microBatch.images : microBatch.texts;
  return encoder.held[kind] < widest || encoder.heldOfBatches[kind] < least;
}

/**
 * Returns the number of replies to other tasks after which a slow decoding is regarded as hanging: two full windows.
 * When all tasks of an encoder are slow, it sends fewer replies meanwhile, so it is not regarded as hanging.
 */
export const hangingAfter = (microBatch: MicroBatch): number => 2 * (windowOf('image', microBatch) + interactiveTasks);
