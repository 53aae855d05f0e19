/** The best items of a batch: a share of the items with a score, or a number of items. */
export type Top = { share: number } | { count: number };

/**
 * Parses `30%` and `0.3` as a share, and `100000` as a number. `1` is one item, `1.0` all items. Returns undefined for
 * other texts.
 */
export function readTop(text: string): Top | undefined {
  const [, number = '', percent] = /^(\d{0,12}(?:\.\d{1,12})?)(%)?$/.exec(text) ?? [];
  const value = number === '' ? 0 : Number(number);
  if (value > 0 && percent === undefined && !number.includes('.')) return { count: value };
  const share = percent === undefined ? value : value / 100;
  return share > 0 && share <= 1 ? { share } : undefined;
}

/** Returns a text that {@link readTop} reads. */
export const formatTop = (top: Top): string => ('count' in top ? String(top.count) : top.share.toFixed(12));

/** Returns the number of items that `top` selects of `scored` ones. A share is rounded up. */
export const countOfTop = (top: Top, scored: number): number =>
  // Rounded to six decimals first: in floating point, 0.07 * 100 is a little more than 7.
  Math.min(scored, 'count' in top ? top.count : Math.ceil(Number((top.share * scored).toFixed(6))));
