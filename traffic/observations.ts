import type { ModelOutcome } from '../evaluation/outcome.ts';
import type { ImageSource } from '../shared/contracts/item.ts';
import type { ArmRole, ComparedPair, TrafficPlan, Trial } from '../shared/contracts/traffic.ts';
import type { Metrics } from '../shared/metrics.ts';
import { armField, type ComparisonKind, comparisonField, ratioField, runField, sizeOf, writePair } from './counts.ts';
import { isEvidence } from './evidence.ts';
import type { ExperimentKey, StoredPair, UnreportedCounts, UnreportedPairs } from './store.ts';

/** An experiment whose outcomes are counted. Outcomes of a canary belong to its `trial`. */
export interface ObservedExperiment extends ExperimentKey {
  trial?: Trial | undefined;
}

/** The maximum number of score pairs per report to Redis. Further pairs count only in the sums. */
const maxPairs = 1_000;
const maxWorst = 50;

export interface Subject {
  image: ImageSource | Uint8Array;
  text: string;
  /** Undefined for single requests. */
  batchId?: string | undefined;
}

/** Counts of outcomes by experiment, in this process since the last `take`. */
export interface Observations {
  /** Counts the outcome of a model whose score is returned. */
  answered(plan: TrafficPlan, role: ArmRole, model: string, answer: ModelOutcome): void;
  /**
   * Compares the outcomes of the same pair by two models.
   * @param model the candidate: the canary or the shadow model.
   */
  compared(
    plan: TrafficPlan,
    kind: ComparisonKind,
    model: string,
    subject: Subject,
    reference: ModelOutcome,
    candidate: ModelOutcome,
  ): void;
  /** Returns all counts and resets them. */
  take(): { experiment: ObservedExperiment; counts: UnreportedCounts }[];
  /** Restores counts from `take` that could not be added to Redis. */
  putBack(experiment: ObservedExperiment, counts: UnreportedCounts): void;
}

export function createObservations(metrics?: Metrics): Observations {
  let experiments = new Map<string, { experiment: ObservedExperiment; counts: UnreportedCounts }>();

  function countsOf({ profile, experiment, trial }: ObservedExperiment): UnreportedCounts {
    const key = `${profile}\n${experiment}`;
    let known = experiments.get(key);
    if (known === undefined) {
      known = {
        experiment: { profile, experiment },
        counts: { add: {}, max: {}, canary: noPairs(), shadow: noPairs() },
      };
      experiments.set(key, known);
    }
    // A batch keeps its plan (how images are divided among models). Only plans of batches posted during the trial name
    // it, so the first plan with a trial is used.
    known.experiment.trial ??= trial;
    return known.counts;
  }

  function addRuns(counts: UnreportedCounts, model: string, { runs }: ModelOutcome): void {
    for (const { input, inputs, milliseconds } of runs) {
      add(counts, runField(model, input, inputs, 'inputs'), 1);
      add(counts, runField(model, input, inputs, 'ms'), milliseconds / inputs);
    }
  }

  /**
   * Counts the ratio of the candidate's time to the main model's. Cached embeddings have no time, so only the image or
   * text that both models embedded counts.
   */
  function addRatio(counts: UnreportedCounts, model: string, reference: ModelOutcome, candidate: ModelOutcome): void {
    const both = candidate.runs.flatMap((tried) => {
      const known = reference.runs.find(({ input }) => input === tried.input);
      return known === undefined ? [] : [{ tried, known }];
    });
    const taken = both.reduce((sum, { tried }) => sum + tried.milliseconds / tried.inputs, 0);
    const expected = both.reduce((sum, { known }) => sum + known.milliseconds / known.inputs, 0);
    if (!(taken > 0 && expected > 0)) return;
    add(counts, ratioField(model, 'any', taken / expected), 1);
    if (both.every(({ tried, known }) => sizeOf(tried.inputs) === sizeOf(known.inputs))) {
      add(counts, ratioField(model, 'alike', taken / expected), 1);
    }
  }

  return {
    answered(plan, role, model, answer) {
      if (!isEvidence(answer)) return;
      const counts = countsOf(plan);
      const { outcome, runs } = answer;
      const { profile } = plan;
      add(counts, armField(model, 'items'), 1);
      // With comparisons, the times of items that both models scored are used instead, because both then ran under the
      // same load.
      if (plan.trial?.compare === 0) addRuns(counts, model, answer);
      if (outcome.status === 'failed') {
        add(counts, armField(model, 'failed'), 1);
        metrics?.count('vls_arm_items_total', { profile, model, role, outcome: 'failed' });
        return;
      }
      const { score } = outcome;
      add(counts, armField(model, 'score'), score);
      add(counts, armField(model, 'square'), score * score);
      if (runs.length > 0) {
        add(counts, armField(model, 'timed'), 1);
        const ms = runs.reduce((sum, run) => sum + run.milliseconds / run.inputs, 0);
        add(counts, armField(model, 'ms'), ms);
      }
      metrics?.count('vls_arm_items_total', { profile, model, role, outcome: 'succeeded' });
      metrics?.observe('vls_arm_score', { profile, model, role }, score);
    },

    compared(plan, kind, model, subject, reference, candidate) {
      if (reference.outcome.status === 'failed' || !isEvidence(candidate)) return;
      const counts = countsOf(plan);
      if (kind === 'canary') addRatio(counts, model, reference, candidate);
      if (candidate.outcome.status === 'failed') {
        add(counts, comparisonField(kind, model, 'failed'), 1);
        return;
      }
      // Ranks need cosines: every negative cosine has the score 0, and typical SigLIP cosines are around 0.
      const isRanked = (kind === 'canary' ? plan.trial : plan.shadow)?.comparedBy === 'ranks';
      const { pairs, worst } = counts[kind];
      if (isRanked) {
        add(counts, comparisonField(kind, model, 'pairs'), 1);
        if (pairs.length < maxPairs)
          pairs.push(writePair(100 * reference.outcome.cosine, 100 * candidate.outcome.cosine));
        return;
      }
      const scores = { reference: reference.outcome.score, candidate: candidate.outcome.score };
      const difference = scores.candidate - scores.reference;
      const distance = Math.abs(difference);
      add(counts, comparisonField(kind, model, 'pairs'), 1);
      add(counts, comparisonField(kind, model, 'difference'), difference);
      add(counts, comparisonField(kind, model, 'absolute'), distance);
      const largest = comparisonField(kind, model, 'largest');
      counts.max[largest] = Math.max(counts.max[largest] ?? 0, distance);
      if (pairs.length < maxPairs) pairs.push(writePair(scores.reference, scores.candidate));
      addIfWorst(worst, distance, () => JSON.stringify(pairOf(subject, scores)));
      metrics?.observe('vls_comparison_score_difference', { profile: plan.profile, kind, candidate: model }, distance);
    },

    take() {
      const taken = [...experiments.values()];
      experiments = new Map();
      return taken;
    },

    putBack(experiment, old) {
      const counts = countsOf(experiment);
      for (const [field, value] of Object.entries(old.add)) add(counts, field, value);
      for (const [field, value] of Object.entries(old.max)) counts.max[field] = Math.max(counts.max[field] ?? 0, value);
      for (const kind of ['canary', 'shadow'] as const) {
        counts[kind].pairs.push(...old[kind].pairs.slice(0, maxPairs - counts[kind].pairs.length));
        for (const [difference, pair] of old[kind].worst) addIfWorst(counts[kind].worst, difference, () => pair);
      }
    },
  };
}

const noPairs = (): UnreportedPairs => ({ pairs: [], worst: [] });

function add(counts: UnreportedCounts, field: string, value: number): void {
  counts.add[field] = (counts.add[field] ?? 0) + value;
}

/** Keeps the pairs with the largest differences. Only stored pairs are serialized, since their texts may be long. */
function addIfWorst(worst: UnreportedPairs['worst'], difference: number, write: () => string): void {
  if (difference === 0) return;
  if (worst.length < maxWorst) worst.push([difference, write()]);
  else {
    const least = worst.reduce((best, [value], at) => (value < (worst[best]?.[0] ?? 0) ? at : best), 0);
    if (difference > (worst[least]?.[0] ?? 0)) worst[least] = [difference, write()];
  }
}

function pairOf({ image, text, batchId }: Subject, scores: Pick<ComparedPair, 'reference' | 'candidate'>): StoredPair {
  const address =
    image instanceof Uint8Array ? '' : typeof image === 'string' ? image : 'url' in image ? image.url : '';
  return {
    image: /^https?:/i.test(address) && address.length <= 2048 ? address : null,
    // The cut may leave half of a surrogate pair, which the JSON decoder of Redis refuses.
    text: text.slice(0, 300).toWellFormed(),
    ...scores,
    ...(batchId !== undefined && { batchId }),
  };
}
