import type { TowerRun } from '../models/encoder/protocol.ts';
import type { ComparedBy, WindowFigures } from '../shared/contracts/traffic.ts';
import { rankCorrelation } from './rank-correlation.ts';

/** Counts by field. Redis adds up those of all processes. */
export type Counts = Record<string, number>;

/** `canary`: the candidate answered, and the main model is compared; `shadow`: the candidate is compared. */
export type ComparisonKind = 'canary' | 'shadow';

/** Returns the field for a count of an answering model. */
export const armField = (model: string, what: 'items' | 'failed' | 'score' | 'square' | 'ms' | 'timed'): string =>
  `arm:${model}:${what}`;

/** Returns the field for a count of two models on the same items. */
export const comparisonField = (
  kind: ComparisonKind,
  candidate: string,
  what: 'pairs' | 'failed' | 'difference' | 'absolute' | 'largest',
): string => `${kind}:${candidate}:${what}`;

/**
 * Returns the field for the inputs embedded by a model's tower, or for their share of the run times, by size class of
 * the run: a run of eight takes longer than a run of one but less per input.
 */
export const runField = (model: string, input: TowerRun['input'], inputs: number, what: 'ms' | 'inputs'): string =>
  `run:${model}:${input}:${sizeOf(inputs)}:${what}`;

/** The size class of a run: the next power of two. */
export const sizeOf = (inputs: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, inputs)));

/**
 * Returns the field for items by ratio of the candidate's time to the main model's on the same item, in steps of a
 * sixteenth of a power of two (4 %). `alike`: both runs had the same size class.
 */
export const ratioField = (candidate: string, runs: 'alike' | 'any', ratio: number): string =>
  `ratio:${candidate}:${runs}:${Math.max(-mostSteps, Math.min(mostSteps, Math.round(stepsOfTwo * Math.log2(ratio))))}`;
const stepsOfTwo = 16;
/** Ratios beyond 32, or below 1/32, count as 32 and 1/32. */
const mostSteps = 5 * stepsOfTwo;

/** Maximum size class: larger runs are no cheaper per input. */
const sizes = Array.from({ length: 11 }, (_, power) => 2 ** power);

/** A pair of scores, as lists in Redis store it. */
export const writePair = (reference: number, candidate: number): string => `${reference},${candidate}`;
export const readPair = (text: string): [reference: number, candidate: number] => {
  const [reference = 0, candidate = 0] = text.split(',').map(Number);
  return [reference, candidate];
};

/** Minimum inputs of both models, in runs of one size or in all runs, before their times are compared. */
const fewestInputs = 5;
/** If a smaller share of the candidate's inputs ran in sizes that both models had, all runs are compared instead. */
const leastCommon = 0.2;
/** Minimum items scored by both models before their scores are compared. */
export const fewestPairs = 10;

/**
 * Returns the tower time of the candidate divided by that of the main model for as many inputs. For canaries without
 * comparisons, where the models had different items. Runs of equal size are compared if there are enough. If a slow
 * candidate's inputs pile up, there are few, and the time per input over all runs is compared. That favours the model
 * with larger runs by less than half.
 * @returns null when too little was timed.
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
 * Returns the median, over items scored by both models, of the candidate's time divided by the main model's. A mean
 * would be dominated by the slowest runs: on a busy machine two identical models had a ratio of 2.08. Items with runs
 * of equal size are used if there are enough; a candidate whose inputs pile up has few.
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

/** The figures of a canary's open window. */
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
    // A canary that is not compared has no timed items in common with the main model.
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
