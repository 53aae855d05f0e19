import type { TowerRun } from '../models/encoder/protocol.ts';
import type { ModelSpec } from '../models/model.ts';
import type { ImageSource } from '../shared/contracts/item.ts';
import { type ItemError, toItemError } from '../shared/errors.ts';

/** A pair to score, or the error that intake already found in it. */
export type Pair = { image: ImageSource; text: string } | { error: ItemError };

/** Outcome of one pair. */
export type Outcome =
  | { status: 'succeeded'; score: number; cosine: number; probability?: number; warnings?: string[] }
  | { status: 'failed'; error: ItemError };

/** Outcome of one pair by one model. */
export interface ModelOutcome {
  outcome: Outcome;
  /** Tower runs that this pair caused. Empty for cached embeddings, and for runs that count with an earlier pair. */
  runs: TowerRun[];
}

/** Models that score the same pairs. The first one answers and the others are compared with it. */
export type Models = readonly [answering: ModelSpec, ...compared: ModelSpec[]];

/** Outcomes of the same pairs by several models. */
export interface ScoredPairs {
  /** Outcomes of the answering model, in the order of the pairs. */
  answers: ModelOutcome[];
  compared: ComparedModel[];
}

export interface ComparedModel {
  model: string;
  /**
   * Outcomes of one compared model, in the order of the pairs; undefined for pairs on which the answering model failed.
   * Empty when the process was too busy to compare. Never rejects.
   */
  outcomes: Promise<(ModelOutcome | undefined)[]>;
}

export const failedWith = (error: unknown): ModelOutcome => ({
  outcome: { status: 'failed', error: toItemError(error) },
  runs: [],
});
