interface Scored {
  model: string;
  revision: string;
  /** Set if several models share the batch. */
  traffic?: object | null | undefined;
}

/** Returns true when one model scored both batches, so that their scores can be compared directly. */
export const haveSameScale = (batch: Scored, other: Scored): boolean =>
  batch.model === other.model && batch.revision === other.revision && !batch.traffic && !other.traffic;
