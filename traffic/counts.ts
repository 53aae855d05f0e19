import type { TowerRun } from '../models/encoder/protocol.ts';
import type { ComparedBy, WindowFigures } from '../shared/contracts/traffic.ts';
import { rankCorrelation } from './rank-correlation.ts';

/** Numbers by field name. Redis stores the sum over all processes. */
export type Counts = Record<string, number>;

/**
 * A comparison of two models that scored the same item. `canary`: the canary (a model on trial) gave the returned
 * score, and the main model scored too. `shadow`: the score of the shadow model is never returned.
 */
export type ComparisonKind = 'canary' | 'shadow';

/** Returns the field name of a count of a model whose scores are returned. */
export const armField = (model: string, what: 'items' | 'failed' | 'score' | 'square' | 'ms' | 'timed'): string =>
  `arm:${model}:${what}`;

/** Returns the field name of a count in a comparison of a candidate with another model. */
export const comparisonField = (
  kind: ComparisonKind,
  candidate: string,
  what: 'pairs' | 'failed' | 'difference' | 'absolute' | 'largest',
): string => `${kind}:${candidate}:${what}`;

/**
 * Returns the field name for the inputs that a model embedded, or for their time in ms, which an encoder run divides
 * equally. Size classes are separate, because larger runs take less time per input.
 */
export const runField = (model: string, input: TowerRun['input'], inputs: number, what: 'ms' | 'inputs'): string =>
  `run:${model}:${input}:${sizeOf(inputs)}:${what}`;

/** Returns the size class of an encoder run: its number of inputs, rounded up to a power of two. */
export const sizeOf = (inputs: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, inputs)));

/**
 * Returns the field name for items with this ratio of the candidate's time to the main model's time, in steps of 4 % (2
 * ** (1 / 16)). `alike` counts only items with encoder runs of the same size class.
 */
export const ratioField = (candidate: string, runs: 'alike' | 'any', ratio: number): string =>
  `ratio:${candidate}:${runs}:${Math.max(-mostSteps, Math.min(mostSteps, Math.round(stepsOfTwo * Math.log2(ratio))))}`;
const stepsOfTwo = 16;
/** Rounding steps from a ratio of 1 to 32. Ratios are limited to 1/32 to 32. */
const mostSteps = 5 * stepsOfTwo;

/** All size classes: 1, 2, 4 … 1,024. Larger runs would not be faster per input. */
const sizes = Array.from({ length: 11 }, (_, power) => 2 ** power);

/** Returns two scores of the same item as the text that Redis stores. */
export const writePair = (reference: number, candidate: number): string => `${reference},${candidate}`;
export const readPair = (text: string): [reference: number, candidate: number] => {
  const [reference = 0, candidate = 0] = text.split(',').map(Number);
  return [reference, candidate];
};

/** The minimum number of inputs for a comparison of times: of both models, in a size class or in all. */
const fewestInputs = 5;
/**
 * The minimum share of the candidate's inputs in size classes where both models have enough. Below it, the times of all
 * runs are compared regardless of size.
 */
const leastCommon = 0.2;
/** The minimum number of items that both models must have scored for a comparison of scores. */
export const fewestPairs = 10;

/**
 * Returns the candidate's time divided by the main model's time for as many inputs, for canaries without score
 * comparisons. With few common runs (inputs queue up at a slow candidate), means over all runs are compared. These
 * favour the model with larger runs, but change the ratio by less than half.
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
 * Returns the median ratio of the candidate's time to the main model's time, over items that both scored; with enough
 * of them, only runs of the same size class. A mean depends on the slowest runs: on a busy machine, two identical
 * models had a mean ratio of 2.08.
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

/** Returns the measurements of a canary in a window: consecutive items that are judged together. */
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
    // Without comparisons, the two models have no common items from which to take a median.
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
