/** Describes in words the rank of a pair: the share of pairs whose score is lower. */
export function rankWords(rank: number): string {
  const percent = (share: number) => (share < 0.01 ? '1' : (100 * share).toFixed(0));
  return rank >= 0.5 ? `best ${percent(1 - rank)} %` : `lowest ${percent(rank)} %`;
}
