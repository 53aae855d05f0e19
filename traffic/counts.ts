import type { TowerRun } from '../models/encoder/protocol.ts';
import type { ComparedBy, WindowFigures } from '../shared/contracts/traffic.ts';
import { rankCorrelation } from './rank-correlation.ts';

/** Counts by field name. Redis stores their sums over all processes. */
export type Counts = Record<string, number>;

/**
 * The kind of a comparison of two models on the same item. `canary`: the score of the canary (a model on trial) was
 * returned, and is compared with that of the main model. `shadow`: the score of the shadow model, which is never
 * returned, is compared with the returned score.
 */
export type ComparisonKind = 'canary' | 'shadow';

/** Returns the field name of a count for one model whose scores are returned. */
export const armField = (model: string, what: 'items' | 'failed' | 'score' | 'square' | 'ms' | 'timed'): string =>
  `arm:${model}:${what}`;

/** Returns the field name of a count for two models that scored the same items. */
export const comparisonField = (
  kind: ComparisonKind,
  candidate: string,
  what: 'pairs' | 'failed' | 'difference' | 'absolute' | 'largest',
): string => `${kind}:${candidate}:${what}`;

/**
 * Returns the field name for a model's number of embedded inputs (`inputs`), or for the sum of their shares of run
 * times (`ms`). Images and texts have separate fields, as has each size class of encoder runs, because a run of eight
 * inputs takes longer than a run of one but less time per input.
 */
export const runField = (model: string, input: TowerRun['input'], inputs: number, what: 'ms' | 'inputs'): string =>
  `run:${model}:${input}:${sizeOf(inputs)}:${what}`;

/** Returns the size class of a run: its number of inputs, rounded up to a power of two. */
export const sizeOf = (inputs: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, inputs)));

/**
 * Returns the field name for the number of items with this ratio of the candidate's time to the main model's time.
 * Ratios are rounded to a multiple of a sixteenth of a power of two (4 %). `alike` counts only items for which the runs
 * of both models had the same size class; `any` counts all items.
 */
export const ratioField = (candidate: string, runs: 'alike' | 'any', ratio: number): string =>
  `ratio:${candidate}:${runs}:${Math.max(-mostSteps, Math.min(mostSteps, Math.round(stepsOfTwo * Math.log2(ratio))))}`;
const stepsOfTwo = 16;
/** The number of rounding steps up to a ratio of 32. Larger ratios count as 32, and ratios below 1/32 as 1/32. */
const mostSteps = 5 * stepsOfTwo;

/** All size classes: 1, 2, 4 … 1,024. Still larger runs would not be faster per input. */
const sizes = Array.from({ length: 11 }, (_, power) => 2 ** power);

/** Returns a pair of scores in the form in which Redis stores it. */
export const writePair = (reference: number, candidate: number): string => `${reference},${candidate}`;
export const readPair = (text: string): [reference: number, candidate: number] => {
  const [reference = 0, candidate = 0] = text.split(',').map(Number);
  return [reference, candidate];
};

/**
 * The minimum number of inputs that each model must have embedded before their times are compared. It applies to each
 * size class, and to all runs together.
 */
const fewestInputs = 5;
/**
 * The minimum share of the candidate's inputs in those size classes in which both models have enough inputs. Below it,
 * all runs are compared regardless of their size.
 */
const leastCommon = 0.2;
/** The minimum number of items that both models must have scored before their scores are compared. */
export const fewestPairs = 10;

/**
 * Returns the time that the candidate took for its inputs, divided by the time that the main model would take for as
 * many inputs. It is used for canaries without comparisons, where the two models had different items. Runs of the same
 * size class are compared if there are enough of them. When inputs queue up at a slow candidate, there are few; then
 * the time per input over all runs is compared, which favours the model with the larger runs by less than half.
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
 * mean would be dominated by the slowest runs: on a busy machine, two identical models had a mean ratio of 2.08. Only
 * items for which both runs had the same size class are used, if there are enough of them; there are few when inputs
 * queue up at a candidate.
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
    // The median does not exist for a canary without comparisons, since no item was scored by both models.
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
