import type {
  ArmReport,
  CanaryAction,
  CanaryPhase,
  ComparedPair,
  Comparison,
  WindowFigures,
} from '../../../shared/contracts/traffic.ts';
import * as numbers from '../../ui/numbers.ts';
import type { ShownPair } from '../../ui/shown-pair.ts';

/** Shown for an unknown value. */
export const none = '–';

export const phaseWords: Record<CanaryPhase, [tone: 'good' | 'live' | 'bad', word: string]> = {
  trial: ['live', 'on trial'],
  promoted: ['good', 'promoted'],
  rolled_back: ['bad', 'rolled back'],
};

/** The decisions that an operator may make about a canary (a model on trial), by its phase. */
export const actionsIn: Record<CanaryPhase, CanaryAction[]> = {
  trial: ['promote', 'rollback'],
  promoted: ['rollback', 'restart'],
  rolled_back: ['restart', 'promote'],
};

export const points = (value: number | null): string => (value === null ? none : value.toFixed(2));

export const signed = (value: number | null): string => (value === null ? none : numbers.signed(value));

export const correlation = (value: number | null): string => (value === null ? none : numbers.decimal(value, 3));

export const shareOf = (share: number | null): string => (share === null ? none : numbers.percent(share));

/** Formats a mean score with the margin of its 95 % confidence interval. */
export const meanOf = ({ meanScore, meanScoreMargin }: Pick<ArmReport, 'meanScore' | 'meanScoreMargin'>): string =>
  meanScoreMargin === null ? points(meanScore) : `${points(meanScore)} ± ${points(meanScoreMargin)}`;

/** Formats the share of failed items of a canary, followed by that of the main model. */
export const failedOf = ({ errorShare, mainErrorShare }: WindowFigures): string =>
  `${shareOf(errorShare)} (main ${shareOf(mainErrorShare)})`;

export const timesOf = (ratio: number | null): string => (ratio === null ? none : `${ratio.toFixed(2)} ×`);

/** @param names the names of the two models. */
export function shownPair(
  { image, text, reference, candidate }: ComparedPair,
  nth: number,
  names: Pick<Comparison, 'reference' | 'candidate'>,
): ShownPair {
  const note = `${numbers.score(reference)} by ${names.reference}, ${numbers.score(candidate)} by ${names.candidate}`;
  return { key: `${nth} ${image} ${text}`, image, text, note, value: signed(candidate - reference) };
}
