import * as numbers from '../../ui/numbers.ts';

/**
 * Describes how to get a batch to compare with.
 * @param candidates the number of batches with as many items.
 * @param hasModel true if another model can score the items.
 */
export function emptyWords(
  candidates: number,
  hasModel: boolean,
  isRunning: boolean,
): { title: string; advice: string } {
  const matched = 'the items are matched by their position in the file';
  const score = isRunning ? 'When this batch has ended, score' : 'Score';
  const advice = hasModel
    ? `${score} its items with another model, or post the same file again: ${matched}.`
    : `Post the same file again with other texts or other images: ${matched}.`;
  if (candidates === 0) return { title: 'Nothing to compare with yet.', advice };
  const batches = candidates === 1 ? 'One other batch has' : `${numbers.count(candidates)} other batches have`;
  return {
    title: `${batches} as many items, but none is known to have the same items.`,
    advice: `Choose one if its items are the same. ${advice}`,
  };
}
