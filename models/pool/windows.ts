import type { InputKind, Task } from './task.ts';

/** The maximum numbers of images and of texts in one run of a tower. */
export interface MicroBatch {
  images: number;
  texts: number;
}

/**
 * The number of interactive tasks that an encoder accepts in addition to its window, which is its maximum number of
 * tasks of one kind. So interactive tasks never wait for a batch task to end.
 */
const interactiveTasks = 8;

/**
 * A tenant with fewer tasks in flight than this number is accepted although other tenants fill the window of an
 * encoder, up to twice the window. So large images of one tenant do not delay small images of another.
 */
const guaranteedTasks = 2;

/**
 * Returns the window: the maximum number of batch tasks of one kind that an encoder gets at a time.
 *
 * Images: three micro-batches (two being decoded, one in a run), and at least 8 images, so that the encoder is not idle
 * while a reply travels. The window is 8 for a micro-batch of 1, and 24 for a micro-batch of 8. Texts: two
 * micro-batches (the current run and the next), because a text that is alone in its run costs more than twice as much.
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
  // Batch tasks for one run are always accepted. Otherwise batch tasks would never reach an encoder that is full of
  // interactive tasks.
  const least = interactive ? 0 : kind === 'image' ? microBatch.images : microBatch.texts;
  return encoder.held[kind] < widest || encoder.heldOfBatches[kind] < least;
}

/**
 * Returns the number of replies to other tasks after which slow decoding counts as hanging: two full windows. An
 * encoder in which all tasks are slow sends fewer replies during the decoding, so it is not regarded as hanging.
 */
export const hangingAfter = (microBatch: MicroBatch): number => 2 * (windowOf('image', microBatch) + interactiveTasks);
