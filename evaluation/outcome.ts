import type { TowerRun } from '../models/encoder/protocol.ts';
import type { ModelSpec } from '../models/model.ts';
import type { ImageSource } from '../shared/contracts/item.ts';
import { type ItemError, toItemError } from '../shared/errors.ts';

/**
 * A pair to score, or the error of an unreadable pair. `embedding` is a stored embedding of the image by the same
 * model.
 */
export type Pair =
  | { image: ImageSource; text: string }
  | { embedding: Float32Array; text: string }
  | { error: ItemError };

export type Outcome =
  | { status: 'succeeded'; score: number; cosine: number; probability?: number; warnings?: string[] }
  | { status: 'failed'; error: ItemError };

export interface ModelOutcome {
  outcome: Outcome;
  /** The encoder runs of this pair. Empty when the embeddings were cached, or when an earlier pair counts the runs. */
  runs: TowerRun[];
}

/** The first model gives the scores of the response. The scores of the others are only compared. */
export type Models = readonly [answering: ModelSpec, ...compared: ModelSpec[]];

export interface ScoredPairs {
  /** The outcomes of the first model, in the order of the pairs. */
  answers: ModelOutcome[];
  compared: ComparedModel[];
}

export interface ComparedModel {
  model: string;
  /**
   * In the order of the pairs; undefined for a pair that the first model could not score. Empty when the process was
   * too busy. Never rejects.
   */
  outcomes: Promise<(ModelOutcome | undefined)[]>;
}

export const failedWith = (error: unknown): ModelOutcome => ({
  outcome: { status: 'failed', error: toItemError(error) },
  runs: [],
});
