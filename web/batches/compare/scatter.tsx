import { useState } from 'preact/hooks';
import type { BatchComparison } from '../../../shared/contracts/comparison.ts';
import * as numbers from '../../ui/numbers.ts';
import { useWidth } from '../../ui/use-width.ts';
import { scoreTicks } from '../workbench/distribution.ts';

const margin = { top: 10, right: 14, bottom: 44, left: 52 };
const tallest = 460;

type Cell = BatchComparison['bins']['cells'][number];

/** A chart of the items by their scores in two batches. Lines show the two thresholds, and a click sets them. */
export function Scatter({
  comparison: { bins, compared, sides },
  names: [here, there],
  onThresholds,
}: {
  comparison: BatchComparison;
  names: [here: string, there: string];
  onThresholds: (threshold: number, otherThreshold: number) => void;
}) {
  const [box, width] = useWidth();
  const [hovered, setHovered] = useState<Cell>();
  const height = Math.min(tallest, Math.max(260, width * 0.7));
  const [xs, ys] = [axisOf(bins.cells, 'from', bins.width), axisOf(bins.cells, 'otherFrom', bins.otherWidth)];
  const inner = {
    width: Math.max(50, width - margin.left - margin.right),
    height: height - margin.top - margin.bottom,
  };
  const x = (score: number) => margin.left + ((score - xs[0]) / (xs[1] - xs[0])) * inner.width;
  const y = (score: number) => margin.top + (1 - (score - ys[0]) / (ys[1] - ys[0])) * inner.height;
  const most = Math.max(1, ...bins.cells.map(({ count }) => count));
  // The opacity of a bin. The logarithm keeps bins of one item visible next to bins of thousands.
  const strength = (count: number) => 0.18 + 0.82 * (Math.log(count + 1) / Math.log(most + 1));

  function scoresAt(event: PointerEvent): [number, number] {
    const { left, top } = (event.currentTarget as Element).getBoundingClientRect();
    return [
      xs[0] + ((event.clientX - left - margin.left) / inner.width) * (xs[1] - xs[0]),
      ys[0] + (1 - (event.clientY - top - margin.top) / inner.height) * (ys[1] - ys[0]),
    ];
  }
  const cellAt = ([score, otherScore]: [number, number]) =>
    bins.cells.find(
      ({ from, otherFrom }) =>
        score >= from &&
        score < from + bins.width &&
        otherScore >= otherFrom &&
        otherScore < otherFrom + bins.otherWidth,
    );
  const isInside = ([score, otherScore]: [number, number]) =>
    score >= xs[0] && score <= xs[1] && otherScore >= ys[0] && otherScore <= ys[1];
  const limit = (value: number, [from, to]: [number, number]) => Math.min(to, Math.max(from, value));

  return (
    <div ref={box} class="chart scatter">
      <svg
        role="img"
        aria-label={`Scores of ${numbers.counted(compared, 'item')} with ${here} and with ${there}`}
        width={width}
        height={height}
        onPointerMove={(event) => setHovered(cellAt(scoresAt(event)))}
        onPointerLeave={() => setHovered(undefined)}
        onPointerDown={(event) => {
          const at = scoresAt(event);
          if (isInside(at)) onThresholds(Number(at[0].toFixed(1)), Number(at[1].toFixed(1)));
        }}
      >
        {scoreTicks(xs).map((tick) => (
          <g key={tick}>
            <line class="grid" x1={x(tick)} x2={x(tick)} y1={margin.top} y2={margin.top + inner.height} />
            <text class="axis" x={x(tick)} y={margin.top + inner.height + 17} text-anchor="middle">
              {tick}
            </text>
          </g>
        ))}
        {scoreTicks(ys).map((tick) => (
          <g key={tick}>
            <line class="grid" x1={margin.left} x2={margin.left + inner.width} y1={y(tick)} y2={y(tick)} />
            <text class="axis" x={margin.left - 8} y={y(tick) + 4} text-anchor="end">
              {tick}
            </text>
          </g>
        ))}
        {bins.cells.map((cell) => (
          <rect
            key={`${cell.from} ${cell.otherFrom}`}
            class={cell === hovered ? 'cell hovered' : 'cell'}
            x={x(cell.from)}
            y={y(cell.otherFrom + bins.otherWidth)}
            width={Math.max(1.5, x(cell.from + bins.width) - x(cell.from) - 0.5)}
            height={Math.max(1.5, y(cell.otherFrom) - y(cell.otherFrom + bins.otherWidth) - 0.5)}
            opacity={strength(cell.count)}
          />
        ))}
        {sides !== null && (
          <>
            <line
              class="line"
              x1={x(limit(sides.threshold, xs))}
              x2={x(limit(sides.threshold, xs))}
              y1={margin.top}
              y2={margin.top + inner.height}
            />
            <line
              class="line"
              x1={margin.left}
              x2={margin.left + inner.width}
              y1={y(limit(sides.otherThreshold, ys))}
              y2={y(limit(sides.otherThreshold, ys))}
            />
          </>
        )}
        <text class="axis" x={margin.left + inner.width / 2} y={height - 6} text-anchor="middle">
          {shortened(here, inner.width)}
        </text>
        <text x={14} y={margin.top + inner.height / 2} text-anchor="middle" class="axis upright">
          {shortened(there, inner.height)}
        </text>
      </svg>
      <p class="chart-note fine soft">
        {hovered === undefined
          ? 'Stronger colour: more pairs. Click to set both thresholds.'
          : `${numbers.counted(hovered.count, 'pair')}: ${numbers.points(hovered.from)} to ${numbers.points(hovered.from + bins.width)} here, ${numbers.points(hovered.otherFrom)} to ${numbers.points(hovered.otherFrom + bins.otherWidth)} there.`}
      </p>
    </div>
  );
}

/** Returns the ends of an axis that contains all bins, as scores from 0 to 100. */
function axisOf(cells: readonly Cell[], key: 'from' | 'otherFrom', width: number): [number, number] {
  if (cells.length === 0) return [0, 50];
  const values = cells.map((cell) => cell[key]);
  const [from, to] = [Math.floor(Math.min(...values)), Math.ceil(Math.max(...values) + width)];
  return [from, Math.max(to, from + 5)];
}

/** Returns the part of a name that fits into a length in px. A character takes about 8 px. */
function shortened(name: string, length: number): string {
  const most = Math.round(length / 8);
  return name.length > most ? `${name.slice(0, most - 1)}…` : name;
}
