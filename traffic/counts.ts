import type { WindowFigures } from '../shared/contracts/traffic.ts';
import { rankCorrelation } from './rank-correlation.ts';

/** Counts by field, as they are added up in Redis. */
export type Counts = Record<string, number>;

/** `canary`: the candidate answered and the main model scored besides; `shadow`: the candidate scored besides. */
export type ComparisonKind = 'canary' | 'shadow';

/** Names of what is counted of a model that answers. */
export const armField = (model: string, what: 'items' | 'failed' | 'score' | 'square' | 'ms' | 'timed'): string =>
  `arm:${model}:${what}`;

/** Names of what is counted of two models on the same items. */
export const comparisonField = (
  kind: ComparisonKind,
  candidate: string,
  what: 'pairs' | 'failed' | 'difference' | 'absolute' | 'largest',
): string => `${kind}:${candidate}:${what}`;

/**
 * Time of a model's towers by the size of the run, in powers of two: a run of eight takes longer than one of one and is
 * cheaper for each input, so only runs of about the same size are compared.
 */
export const runField = (model: string, input: 'image' | 'text', inputs: number, what: 'ms' | 'runs'): string =>
  `run:${model}:${input}:${2 ** Math.ceil(Math.log2(Math.max(1, inputs)))}:${what}`;

/** A pair of scores as the lists in Redis keep it. */
export const writePair = (reference: number, candidate: number): string => `${reference},${candidate}`;
export const readPair = (text: string): [reference: number, candidate: number] => {
  const [reference = 0, candidate = 0] = text.split(',').map(Number);
  return [reference, candidate];
};

/** Runs of one size that are needed of both models before their times are compared. */
const fewestRuns = 5;
/** Items that both models must have scored before their scores are compared. */
const fewestPairs = 10;

/** Time of the candidate's towers over what the main model would have taken for the same runs; nothing if none compare. */
export function latencyRatio(counts: Counts, main: string, candidate: string): number | null {
  let taken = 0;
  let expected = 0;
  for (const [field, runs] of Object.entries(counts)) {
    const bucket = field.startsWith(`run:${candidate}:`) ? field.slice(`run:${candidate}:`.length) : '';
    if (!bucket.endsWith(':runs') || runs < fewestRuns) continue;
    const size = bucket.slice(0, -':runs'.length);
    const mainRuns = counts[`run:${main}:${size}:runs`] ?? 0;
    if (mainRuns < fewestRuns) continue;
    taken += counts[`run:${candidate}:${size}:ms`] ?? 0;
    expected += (runs * (counts[`run:${main}:${size}:ms`] ?? 0)) / mainRuns;
  }
  return expected > 0 ? taken / expected : null;
}

/** What the open window of a canary shows. */
export function figuresOf(
  counts: Counts,
  pairs: readonly (readonly [reference: number, candidate: number])[],
  main: string,
  candidate: string,
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
    latencyRatio: rounded(latencyRatio(counts, main, candidate)),
    compared,
    scoreDrift: isEnough ? rounded((counts[comparisonField('canary', candidate, 'absolute')] ?? 0) / compared) : null,
    rankCorrelation: isEnough ? rounded(rankCorrelation(pairs)) : null,
  };
}

const rounded = (value: number | null): number | null => (value === null ? null : Number(value.toFixed(4)));
