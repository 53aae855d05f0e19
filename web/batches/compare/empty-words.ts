/**
 * Describes how to get a batch to compare with.
 * @param hasModel true if another model can score the items.
 */
export function emptyWords(hasModel: boolean, isRunning: boolean): string {
  const matched = 'the items are matched by their position in the file';
  if (!hasModel) return `Post the same file again with other texts or other images: ${matched}.`;
  const score = isRunning ? 'When this batch has ended, score' : 'Score';
  return `${score} its items with another model, or post the same file again: ${matched}.`;
}
