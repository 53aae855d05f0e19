/** The best items: a share of those with a score, or a number of them. */
export type Top = { share: number } | { count: number };

/**
 * Reads `30%` and `0.3` as a share, and `100000` as a count. `1` is one item, and `1.0` is all of them. Returns undefined
 * for other texts.
 */
export function readTop(text: string): Top | undefined {
  const [, number = '', percent] = /^(\d{0,12}(?:\.\d{1,12})?)(%)?$/.exec(text) ?? [];
  const value = number === '' ? 0 : Number(number);
  if (value > 0 && percent === undefined && !number.includes('.')) return { count: value };
  const share = percent === undefined ? value : value / 100;
  return share > 0 && share <= 1 ? { share } : undefined;
}

/** Returns how many of the `scored` items with a score `top` selects. If `top` is a share, the number is rounded up. */
export const countOfTop = (top: Top, scored: number): number =>
  // Rounded to six decimals first: as floating-point numbers, 0.07 * 100 is a little more than 7.
  Math.min(scored, 'count' in top ? top.count : Math.ceil(Number((top.share * scored).toFixed(6))));
