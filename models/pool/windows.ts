import type { InputKind, Task } from './task.ts';

/** The maximum numbers of images and of texts in one run of a tower. */
export interface MicroBatch {
  images: number;
  texts: number;
}

/**
 * The number of interactive tasks that an encoder accepts in addition to its window, so that they never wait for a
 * batch task to end.
 */
const interactiveTasks = 8;

/**
 * The number of a tenant's tasks that an encoder accepts although other tenants fill its window, up to twice the
 * window. Large images of one tenant must not delay small ones of another.
 */
const guaranteedTasks = 2;

/**
 * Returns the maximum number of batch tasks of one kind that an encoder gets at a time.
 *
 * Images: two micro-batches being decoded and one running, and enough that the encoder is not idle while a reply
 * travels (for a micro-batch of 1: 8; of 8: 24). Texts: the current run and the next. A text that is alone in its run
 * costs more than twice as much.
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
  // One run of batch tasks is always accepted. Otherwise batch tasks would never reach an encoder that is full of
  // interactive ones.
  const least = interactive ? 0 : kind === 'image' ? microBatch.images : microBatch.texts;
  return encoder.held[kind] < widest || encoder.heldOfBatches[kind] < least;
}

/**
 * Returns the number of replies to other tasks after which slow decoding counts as hanging: two full windows. An encoder
 * that is slow as a whole may send fewer during the decoding.
 */
export const hangingAfter = (microBatch: MicroBatch): number => 2 * (windowOf('image', microBatch) + interactiveTasks);
