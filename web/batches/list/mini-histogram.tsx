import { outlineBin } from './outline-bin.ts';

/** A small histogram of scores. All rows of a list have the same axis, from 0 to `top`. */
export function MiniHistogram({ histogram, top }: { histogram: readonly number[]; top: number }) {
  const shown = histogram.slice(0, Math.ceil(top / outlineBin));
  // Items in bins beyond the end of the axis are added to the last bin of the axis.
  const above = histogram.slice(shown.length).reduce((sum, count) => sum + count, 0);
  const counts = shown.map((count, at) => (at === shown.length - 1 ? count + above : count));
  const highest = Math.max(1, ...counts);
  return (
    <svg
      class="mini-histogram"
      viewBox={`0 0 ${counts.length} 1`}
      preserveAspectRatio="none"
      aria-hidden="true"
      focusable="false"
    >
      {counts.map((count, at) =>
        count === 0 ? null : (
          // The bar has a minimum height, so that a bin with few items is visible.
          <rect
            key={at}
            x={at + 0.1}
            width="0.8"
            y={1 - Math.max(0.08, count / highest)}
            height={Math.max(0.08, count / highest)}
          />
        ),
      )}
    </svg>
  );
}
