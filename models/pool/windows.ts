import type { InputKind, Task } from './task.ts';

/** The maximum numbers of images and of texts in one inference run. */
export interface MicroBatch {
  images: number;
  texts: number;
}

/**
 * Interactive tasks that an encoder accepts beyond its window (see {@link windowOf}), so they never wait for a batch
 * task to end.
 */
const interactiveTasks = 8;

/**
 * A tenant with fewer tasks in flight may exceed a full window, up to twice its size. One tenant's large images then do
 * not delay another's small ones.
 */
const guaranteedTasks = 2;

/**
 * Returns the window: the maximum number of images or texts that an encoder gets at a time.
 *
 * Images: three micro-batches (two in decoding, one in inference), and at least 8, so that the encoder is not idle
 * while a reply is on its way. Texts: the current run and the next one, because a text alone in a run costs more than
 * twice as much.
 */
const windowOf = (kind: InputKind, { images, texts }: MicroBatch): number =>
  kind === 'image' ? Math.max(8, 3 * images) : 2 * texts;

export function hasRoom(
  encoder: { held: Record<InputKind, number>; heldOfBatches: Record<InputKind, number> },
  { interactive, tenant, queue }: Pick<Task, 'interactive' | 'tenant' | 'queue'>,
  kind: InputKind,
  microBatch: MicroBatch,
): boolean {
  const window = windowOf(kind, microBatch) + (interactive ? interactiveTasks : 0);
  const widest = queue.held(tenant) < guaranteedTasks ? 2 * window : window;
  // One batch run is always accepted. Otherwise an encoder full of interactive tasks would never get batch tasks.
  const least = interactive ? 0 : kind === 'image' ? microBatch.images : microBatch.texts;
  return encoder.held[kind] < widest || encoder.heldOfBatches[kind] < least;
}

/**
 * A slow decoding counts as hanging after this many replies to other tasks: two full windows. An encoder whose tasks
 * are all slow sends fewer.
 */
export const hangingAfter = (microBatch: MicroBatch): number => 2 * (windowOf('image', microBatch) + interactiveTasks);
