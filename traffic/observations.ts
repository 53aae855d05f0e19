import type { ModelOutcome } from '../evaluation/outcome.ts';
import type { ImageSource } from '../shared/contracts/item.ts';
import type { ArmRole, ComparedPair, TrafficPlan, Trial } from '../shared/contracts/traffic.ts';
import type { Metrics } from '../shared/metrics.ts';
import { armField, type ComparisonKind, comparisonField, ratioField, runField, sizeOf, writePair } from './counts.ts';
import { isEvidence } from './evidence.ts';
import type { Place, Seen, SeenPairs, StoredPair } from './store.ts';

/** Which experiment, and the canary that was on trial in it. */
export interface Ongoing extends Place {
  trial?: Trial | undefined;
}

/** Pairs of scores that are kept between two reports to Redis; of the rest only the sums are. */
const maxPairs = 1_000;
const maxWorst = 50;

/** What was scored, of which pair. */
export interface Subject {
  image: ImageSource | Uint8Array;
  text: string;
  /** Absent for a single request. */
  batchId?: string | undefined;
}

/** Outcomes that this process has counted by experiment since the last `take`. */
export interface Observations {
  /** Counts an outcome of the model that answers. */
  answered(plan: TrafficPlan, role: ArmRole, model: string, answer: ModelOutcome): void;
  /**
   * Counts the outcomes of the same pair by two models.
   * @param model the name of the candidate.
   */
  compared(
    plan: TrafficPlan,
    kind: ComparisonKind,
    model: string,
    subject: Subject,
    reference: ModelOutcome,
    candidate: ModelOutcome,
  ): void;
  /** Everything seen, and begins anew. */
  take(): { place: Ongoing; seen: Seen }[];
  /** Puts back what could not be reported. */
  putBack(place: Ongoing, seen: Seen): void;
}

export function createObservations(metrics?: Metrics): Observations {
  let experiments = new Map<string, { place: Ongoing; seen: Seen }>();

  function seenOf({ profile, experiment, trial }: Ongoing): Seen {
    const key = `${profile}\n${experiment}`;
    let known = experiments.get(key);
    if (known === undefined) {
      known = { place: { profile, experiment }, seen: { add: {}, max: {}, canary: noPairs(), shadow: noPairs() } };
      experiments.set(key, known);
    }
    // A batch may have been posted before or after the trial of the same experiment.
    known.place.trial ??= trial;
    return known.seen;
  }

  function addRuns(seen: Seen, model: string, { runs }: ModelOutcome): void {
    for (const { input, inputs, milliseconds } of runs) {
      add(seen, runField(model, input, inputs, 'inputs'), 1);
      add(seen, runField(model, input, inputs, 'ms'), milliseconds / inputs);
    }
  }

  /** Only inputs that both models have embedded for this item are compared: either may have had one in its cache. */
  function addRatio(seen: Seen, model: string, reference: ModelOutcome, candidate: ModelOutcome): void {
    const both = candidate.runs.flatMap((tried) => {
      const known = reference.runs.find(({ input }) => input === tried.input);
      return known === undefined ? [] : [{ tried, known }];
    });
    const taken = both.reduce((sum, { tried }) => sum + tried.milliseconds / tried.inputs, 0);
    const expected = both.reduce((sum, { known }) => sum + known.milliseconds / known.inputs, 0);
    if (!(taken > 0 && expected > 0)) return;
    add(seen, ratioField(model, 'any', taken / expected), 1);
    if (both.every(({ tried, known }) => sizeOf(tried.inputs) === sizeOf(known.inputs))) {
      add(seen, ratioField(model, 'alike', taken / expected), 1);
    }
  }

  return {
    answered(plan, role, model, answer) {
      if (!isEvidence(answer)) return;
      const seen = seenOf(plan);
      const { outcome, runs } = answer;
      const { profile } = plan;
      add(seen, armField(model, 'items'), 1);
      // Where both models try the same items, times are compared over those: as busy, at the same moment.
      if (plan.trial?.compare === 0) addRuns(seen, model, answer);
      if (outcome.status === 'failed') {
        add(seen, armField(model, 'failed'), 1);
        metrics?.count('vls_arm_items_total', { profile, model, role, outcome: 'failed' });
        return;
      }
      const { score } = outcome;
      add(seen, armField(model, 'score'), score);
      add(seen, armField(model, 'square'), score * score);
      if (runs.length > 0) {
        add(seen, armField(model, 'timed'), 1);
        const ms = runs.reduce((sum, run) => sum + run.milliseconds / run.inputs, 0);
        add(seen, armField(model, 'ms'), ms);
      }
      metrics?.count('vls_arm_items_total', { profile, model, role, outcome: 'succeeded' });
      metrics?.observe('vls_arm_score', { profile, model, role }, score);
    },

    compared(plan, kind, model, subject, reference, candidate) {
      if (reference.outcome.status === 'failed' || !isEvidence(candidate)) return;
      const seen = seenOf(plan);
      if (kind === 'canary') addRatio(seen, model, reference, candidate);
      if (candidate.outcome.status === 'failed') {
        add(seen, comparisonField(kind, model, 'failed'), 1);
        return;
      }
      const scores = { reference: reference.outcome.score, candidate: candidate.outcome.score };
      const difference = scores.candidate - scores.reference;
      const distance = Math.abs(difference);
      add(seen, comparisonField(kind, model, 'pairs'), 1);
      add(seen, comparisonField(kind, model, 'difference'), difference);
      add(seen, comparisonField(kind, model, 'absolute'), distance);
      const largest = comparisonField(kind, model, 'largest');
      seen.max[largest] = Math.max(seen.max[largest] ?? 0, distance);
      const { pairs, worst } = seen[kind];
      if (pairs.length < maxPairs) pairs.push(writePair(scores.reference, scores.candidate));
      keepWorst(worst, distance, () => JSON.stringify(pairOf(subject, scores)));
      metrics?.observe('vls_comparison_score_difference', { profile: plan.profile, kind, candidate: model }, distance);
    },

    take() {
      const taken = [...experiments.values()];
      experiments = new Map();
      return taken;
    },

    putBack(place, old) {
      const seen = seenOf(place);
      for (const [field, value] of Object.entries(old.add)) add(seen, field, value);
      for (const [field, value] of Object.entries(old.max)) seen.max[field] = Math.max(seen.max[field] ?? 0, value);
      for (const kind of ['canary', 'shadow'] as const) {
        seen[kind].pairs.push(...old[kind].pairs.slice(0, maxPairs - seen[kind].pairs.length));
        for (const [difference, pair] of old[kind].worst) keepWorst(seen[kind].worst, difference, () => pair);
      }
    },
  };
}

const noPairs = (): SeenPairs => ({ pairs: [], worst: [] });

function add(seen: Seen, field: string, value: number): void {
  seen.add[field] = (seen.add[field] ?? 0) + value;
}

/** Written out only when it is among the worst: a text may be long, and most pairs are not. */
function keepWorst(worst: SeenPairs['worst'], difference: number, write: () => string): void {
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
    // Half a surrogate pair is no text for Redis' JSON.
    text: text.slice(0, 300).toWellFormed(),
    ...scores,
    ...(batchId !== undefined && { batchId }),
  };
}
