import { type Point, runsOf } from './activity.ts';

const width = 120;
const height = 32;
/**
 * The horizontal axis covers at least this time in ms. Otherwise the first two readings would look like a long history.
 */
const leastMs = 60_000;

/**
 * A curve over time. The vertical axis is from zero to the highest value. Gaps in time are gaps in the curve.
 * @param end the time of the last reading, in ms since 1970. A curve whose latest value is unknown ends before it.
 */
export function Sparkline({ points, end }: { points: readonly Point[]; end: number | undefined }) {
  const last = points.at(-1);
  const first = points[0];
  if (first === undefined || last === undefined || end === undefined) return <div class="spark" aria-hidden="true" />;
  const span = Math.max(leastMs, end - first[0]);
  const top = Math.max(...points.map(([, value]) => value)) || 1;
  const x = (at: number) => width - ((end - at) / span) * width;
  const y = (value: number) => height - 1.5 - (value / top) * (height - 4);
  const place = ([at, value]: Point) => `${x(at).toFixed(2)},${y(value).toFixed(2)}`;
  const runs = runsOf(points);
  return (
    <div class="spark" aria-hidden="true">
      <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none">
        <title>History</title>
        {runs.map((run) => (
          <g key={run[0]?.[0]}>
            <path
              class="spark-area"
              d={`M${x(run[0]?.[0] ?? 0).toFixed(2)},${height}L${run.map(place).join('L')}L${x(run.at(-1)?.[0] ?? 0).toFixed(2)},${height}Z`}
            />
            <path class="spark-line" d={`M${run.map(place).join('L')}`} />
          </g>
        ))}
      </svg>
      {last[0] === end && <span class="spark-dot" style={{ top: `${(y(last[1]) / height) * 100}%` }} />}
    </div>
  );
}
