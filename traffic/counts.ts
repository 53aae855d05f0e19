import type { TowerRun } from '../models/encoder/protocol.ts';
import type { ComparedBy, WindowFigures } from '../shared/contracts/traffic.ts';
import { rankCorrelation } from './rank-correlation.ts';

/** Numbers by field name. Redis stores the sum of each field over all processes. */
export type Counts = Record<string, number>;

/**
 * The kind of a comparison of two models that scored the same item. `canary`: the canary (a model on trial) gave the
 * returned score, which is compared with the score by the main model. `shadow`: the returned score is compared with the
 * score by the shadow model, which is never returned.
 */
export type ComparisonKind = 'canary' | 'shadow';

/** Returns the field name of one count of a model. The scores of this model are returned to clients. */
export const armField = (model: string, what: 'items' | 'failed' | 'score' | 'square' | 'ms' | 'timed'): string =>
  `arm:${model}:${what}`;

/**
 * Returns the field name of one count in the comparison of a candidate with another model. Both models scored the same
 * items.
 */
export const comparisonField = (
  kind: ComparisonKind,
  candidate: string,
  what: 'pairs' | 'failed' | 'difference' | 'absolute' | 'largest',
): string => `${kind}:${candidate}:${what}`;

/**
 * Returns the field name for the number of inputs that a model embedded (`inputs`), or for the time of these inputs in
 * ms (`ms`). An input counts with an equal share of the time of its encoder run. Images and texts have separate fields.
 * Runs of each size class have separate fields too, because a larger run takes longer, but less time per input.
 */
export const runField = (model: string, input: TowerRun['input'], inputs: number, what: 'ms' | 'inputs'): string =>
  `run:${model}:${input}:${sizeOf(inputs)}:${what}`;

/** Returns the size class of an encoder run: its number of inputs, rounded up to a power of two. */
export const sizeOf = (inputs: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, inputs)));

/**
 * Returns the field name for the number of items with this ratio: the time that the candidate took, divided by the time
 * that the main model took. The ratio is rounded to a power of 2 ** (1 / 16), in steps of 4 %. `alike` counts only items
 * for which the encoder runs of both models had the same size class; `any` counts all items.
 */
export const ratioField = (candidate: string, runs: 'alike' | 'any', ratio: number): string =>
  `ratio:${candidate}:${runs}:${Math.max(-mostSteps, Math.min(mostSteps, Math.round(stepsOfTwo * Math.log2(ratio))))}`;
const stepsOfTwo = 16;
/**
 * The number of rounding steps from a ratio of 1 to a ratio of 32. Ratios above 32 count as 32, and ratios below 1/32
 * as 1/32.
 */
const mostSteps = 5 * stepsOfTwo;

/** All size classes of encoder runs: 1, 2, 4 … 1,024. Larger runs would not be faster per input. */
const sizes = Array.from({ length: 11 }, (_, power) => 2 ** power);

/** Returns two scores of the same item, by the reference model and by the candidate, as the text that Redis stores. */
export const writePair = (reference: number, candidate: number): string => `${reference},${candidate}`;
export const readPair = (text: string): [reference: number, candidate: number] => {
  const [reference = 0, candidate = 0] = text.split(',').map(Number);
  return [reference, candidate];
};

/**
 * The minimum number of inputs that each of two models must have embedded before their times are compared. It applies
 * to the inputs of each size class, and to the inputs of all runs together.
 */
const fewestInputs = 5;
/**
 * The minimum share of inputs in the common size classes (those in which both models have enough inputs), of all inputs
 * of the candidate. Below this share, the times of all runs are compared regardless of their size.
 */
const leastCommon = 0.2;
/** The minimum number of items that two models must both have scored before their scores are compared. */
export const fewestPairs = 10;

/**
 * Returns the time that the candidate took for its inputs, divided by the time that the main model would take for as
 * many inputs. It is used for canaries whose scores are not compared, where each item is scored by one model only. Runs
 * of the same size class are compared if there are enough of them. When inputs queue up at a slow candidate, there are
 * few such runs. Then the mean times per input over all runs are compared; this favours the model with the larger runs,
 * but changes the ratio by less than half.
 * @returns null when too few inputs were timed.
 */
export function latencyRatio(counts: Counts, main: string, candidate: string): number | null {
  let taken = 0;
  let expected = 0;
  for (const input of ['image', 'text'] as const) {
    const of = (model: string, size: number) => ({
      inputs: counts[runField(model, input, size, 'inputs')] ?? 0,
      ms: counts[runField(model, input, size, 'ms')] ?? 0,
    });
    const both = sizes.map((size) => ({ tried: of(candidate, size), known: of(main, size) }));
    const common = both.filter(({ tried, known }) => Math.min(tried.inputs, known.inputs) >= fewestInputs);
    const inputsOf = (part: typeof both) => sum(part.map(({ tried }) => tried.inputs));
    const isAlike = inputsOf(common) >= leastCommon * inputsOf(both);
    const all = { tried: total(both.map(({ tried }) => tried)), known: total(both.map(({ known }) => known)) };
    for (const { tried, known } of isAlike ? common : [all]) {
      if (Math.min(tried.inputs, known.inputs) < fewestInputs) continue;
      taken += tried.ms;
      expected += (tried.inputs * known.ms) / known.inputs;
    }
  }
  return expected > 0 ? taken / expected : null;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const total = (parts: readonly { inputs: number; ms: number }[]) => ({
  inputs: sum(parts.map(({ inputs }) => inputs)),
  ms: sum(parts.map(({ ms }) => ms)),
});

/**
 * Returns the median ratio of the candidate's time to the main model's time, over the items that both models scored. A
 * mean would be dominated by the slowest runs: on a busy machine, two identical models had a mean ratio of 2.08. If
 * there are enough items for which both encoder runs had the same size class, only these are used. There are few of
 * them when inputs queue up at a candidate.
 * @returns null when too few items were timed.
 */
export function medianLatencyRatio(counts: Counts, candidate: string): number | null {
  const of = (runs: 'alike' | 'any') =>
    Array.from({ length: 2 * mostSteps + 1 }, (_, at) => {
      const ratio = 2 ** ((at - mostSteps) / stepsOfTwo);
      return { ratio, pairs: counts[ratioField(candidate, runs, ratio)] ?? 0 };
    });
  const pairsOf = (steps: ReturnType<typeof of>) => sum(steps.map(({ pairs }) => pairs));
  const [alike, any] = [of('alike'), of('any')];
  const steps = pairsOf(alike) >= Math.max(fewestPairs, leastCommon * pairsOf(any)) ? alike : any;
  const total = pairsOf(steps);
  if (total < fewestPairs) return null;
  let seen = 0;
  for (const { ratio, pairs } of steps) {
    seen += pairs;
    if (2 * seen >= total) return ratio;
  }
  return null;
}

/**
 * Returns the measurements of a canary in its current window: a group of consecutive items of the canary that are
 * judged together.
 */
export function figuresOf(
  counts: Counts,
  pairs: readonly (readonly [reference: number, candidate: number])[],
  main: string,
  candidate: string,
  comparedBy: ComparedBy = 'scores',
): WindowFigures {
  const errorShare = (model: string) => {
    const items = counts[armField(model, 'items')] ?? 0;
    return items > 0 ? (counts[armField(model, 'failed')] ?? 0) / items : null;
  };
  const compared = counts[comparisonField('canary', candidate, 'pairs')] ?? 0;
  const isEnough = compared >= fewestPairs;
  return {
    items: counts[armField(candidate, 'items')] ?? 0,
    errorShare: errorShare(candidate),
    mainErrorShare: errorShare(main),
    // Without comparisons, the canary and the main model have scored no common items, so there is no median. Then the
    // ratio over different items is used.
    latencyRatio: rounded(medianLatencyRatio(counts, candidate) ?? latencyRatio(counts, main, candidate)),
    compared,
    scoreDrift:
      isEnough && comparedBy === 'scores'
        ? rounded((counts[comparisonField('canary', candidate, 'absolute')] ?? 0) / compared)
        : null,
    rankCorrelation: isEnough ? rounded(rankCorrelation(pairs)) : null,
  };
}

const rounded = (value: number | null): number | null => (value === null ? null : Number(value.toFixed(4)));
