import * as numbers from '../../ui/numbers.ts';

/**
 * Describes the number of scores and their mean. While the batch runs, this number is older than the counts of items,
 * because it is read less often.
 */
export const scoreCountWords = (scored: number, mean: number, isRunning: boolean): string =>
  `${numbers.count(scored)} ${isRunning ? 'scores read so far' : 'scored'}, ${numbers.score(mean)} on average`;

/** Returns the verb for a number of pairs that reach a threshold. */
export const reachWord = (pairs: number): string => (pairs === 1 ? 'reaches' : 'reach');
