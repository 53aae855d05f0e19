import { outlineBin } from './outline-bin.ts';

/** A histogram of scores. All rows of a list have the same axis, from 0 to `top`. */
export function MiniHistogram({ histogram, top }: { histogram: readonly number[]; top: number }) {
  const shown = histogram.slice(0, Math.ceil(top / outlineBin));
  // The last bin also counts the items beyond the end of the axis.
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
          // The minimum height keeps a bin with few items visible.
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
