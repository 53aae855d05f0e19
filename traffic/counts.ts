import type { TowerRun } from '../models/encoder/protocol.ts';
import type { ComparedBy, WindowFigures } from '../shared/contracts/traffic.ts';
import { rankCorrelation } from './rank-correlation.ts';

/** Counts by field name. Redis adds up the counts of all processes. */
export type Counts = Record<string, number>;

/**
 * The kind of a comparison. `canary`: the score of the canary was returned, and the main model is compared with it.
 * `shadow`: the shadow is compared with the model whose score was returned.
 */
export type ComparisonKind = 'canary' | 'shadow';

/** Returns the name of the field for a count of a model whose scores are returned. */
export const armField = (model: string, what: 'items' | 'failed' | 'score' | 'square' | 'ms' | 'timed'): string =>
  `arm:${model}:${what}`;

/** Returns the name of the field for a count of two models that scored the same items. */
export const comparisonField = (
  kind: ComparisonKind,
  candidate: string,
  what: 'pairs' | 'failed' | 'difference' | 'absolute' | 'largest',
): string => `${kind}:${candidate}:${what}`;

/**
 * Returns the name of the field for the number of inputs that a model's tower embedded, or for the sum of their shares
 * of run times. There is one field for each size class of runs: a run of eight inputs takes longer than a run of one,
 * but less time per input.
 */
export const runField = (model: string, input: TowerRun['input'], inputs: number, what: 'ms' | 'inputs'): string =>
  `run:${model}:${input}:${sizeOf(inputs)}:${what}`;

/** Returns the size class of a run: its number of inputs, rounded up to a power of two. */
export const sizeOf = (inputs: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, inputs)));

/**
 * Returns the name of the field that counts items by the ratio of the candidate's time to the main model's time on the
 * same item. Ratios are rounded in steps of a sixteenth of a power of two (4 %). `alike`: the runs of both models had
 * the same size class.
 */
export const ratioField = (candidate: string, runs: 'alike' | 'any', ratio: number): string =>
  `ratio:${candidate}:${runs}:${Math.max(-mostSteps, Math.min(mostSteps, Math.round(stepsOfTwo * Math.log2(ratio))))}`;
const stepsOfTwo = 16;
/** The number of steps up to a ratio of 32. Larger ratios count as 32, and those below 1/32 as 1/32. */
const mostSteps = 5 * stepsOfTwo;

/** All size classes. Runs larger than the largest are not faster per input. */
const sizes = Array.from({ length: 11 }, (_, power) => 2 ** power);

/** Returns a pair of scores in the form in which Redis stores it. */
export const writePair = (reference: number, candidate: number): string => `${reference},${candidate}`;
export const readPair = (text: string): [reference: number, candidate: number] => {
  const [reference = 0, candidate = 0] = text.split(',').map(Number);
  return [reference, candidate];
};

/**
 * The minimum number of inputs of each model, in runs of one size class or in all runs, for which their times are
 * compared.
 */
const fewestInputs = 5;
/**
 * The minimum share of the candidate's inputs that must have run in size classes that both models had. Otherwise all
 * runs are compared.
 */
const leastCommon = 0.2;
/** The minimum number of items that both models must have scored before their scores are compared. */
export const fewestPairs = 10;

/**
 * Returns the time of the candidate's towers divided by that of the main model for the same number of inputs. Used for
 * canaries without comparisons, where the two models had different items. Runs of equal size are compared if there are
 * enough of them. When inputs queue up at a slow candidate, there are few; then the time per input over all runs is
 * compared, which favours the model with larger runs by less than half.
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
 * Returns the median, over items that both models scored, of the candidate's time divided by the main model's time. The
 * slowest runs would dominate a mean: on a busy machine, two identical models had a ratio of 2.08. Items with runs of
 * equal size are used if there are enough of them; when inputs queue up at a candidate, there are few.
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

/** Returns the measurements in the current window of a canary. */
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
    // A canary without comparisons has no items that the main model scored too.
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
