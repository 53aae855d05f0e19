import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import * as numbers from '../../ui/numbers.ts';
import { useWidth } from '../../ui/use-width.ts';
import {
  type Bar,
  barsOf,
  countPassing,
  countTicks,
  type Histogram,
  highestShown,
  scoreTicks,
  toStep,
} from './distribution.ts';
import { reachWord } from './words.ts';

const height = 220;
const margin = { top: 12, right: 12, bottom: 26, left: 52 };
/** The minimum width of a bar in px. */
const minBar = 4;

/**
 * A chart of the pairs by score, with the threshold as a line. A click on a bar sets the threshold to its lowest score.
 */
export function Chart({
  histogram,
  behind,
  range,
  threshold,
  onThreshold,
  children,
}: {
  histogram: Histogram;
  /** A second histogram behind the first, scaled to the same number of pairs. */
  behind: Histogram;
  range: [number, number];
  threshold: number;
  onThreshold: (threshold: number) => void;
  /** Shown directly below the axis. */
  children?: ComponentChildren;
}) {
  const [box, width] = useWidth();
  const [hovered, setHovered] = useState<Bar>();
  const dragging = useRef(false);
  const [from, to] = range;
  const inner = Math.max(50, width - margin.left - margin.right);
  const bars = barsOf(histogram, range, inner / minBar);
  const total = histogram.reduce((sum, { count }) => sum + count, 0);
  const scale =
    total /
    Math.max(
      1,
      behind.reduce((sum, { count }) => sum + count, 0),
    );
  const backBars = barsOf(behind, range, inner / minBar).map((bar) => ({ ...bar, count: bar.count * scale }));
  const ticks = countTicks(Math.max(1, highestShown([...bars, ...backBars])));
  const top = ticks.at(-1) ?? 1;
  const cutOff = bars.find(({ count }) => count > top);
  const cutOffBehind = backBars.find(({ count }) => count > top);
  const x = (score: number) => margin.left + ((score - from) / (to - from)) * inner;
  // A bar that is higher than the axis ends above its top line.
  const y = (count: number) =>
    Math.max(2, height - margin.bottom - (count / top) * (height - margin.top - margin.bottom));
  const line = x(Math.min(to, Math.max(from, threshold)));

  function scoreAt(event: PointerEvent): number {
    const left = (event.currentTarget as Element).getBoundingClientRect().left;
    return from + ((event.clientX - left - margin.left) / inner) * (to - from);
  }
  const barAt = (score: number) => bars.find((bar) => score >= bar.from && score < bar.to);

  return (
    <div ref={box} class="chart">
      <svg
        role="img"
        aria-label={`Distribution of ${numbers.counted(total, 'score')}`}
        width={width}
        height={height}
        onPointerMove={(event) => {
          const score = scoreAt(event);
          setHovered(barAt(score));
          if (dragging.current) onThreshold(Math.min(to, Math.max(from, toStep(score))));
        }}
        onPointerLeave={() => setHovered(undefined)}
        onPointerDown={(event) => {
          const score = scoreAt(event);
          if (score < from - 2 || score > to + 2) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          // Near the threshold line, the pointer drags the line. Elsewhere it selects a bar.
          dragging.current = Math.abs(x(score) - line) < 10;
          if (!dragging.current) onThreshold(toStep(barAt(score)?.from ?? score));
        }}
        onPointerUp={() => {
          dragging.current = false;
        }}
      >
        {ticks.map((tick) => (
          <g key={tick}>
            <line class="grid" x1={margin.left} x2={width - margin.right} y1={y(tick)} y2={y(tick)} />
            <text class="axis" x={margin.left - 8} y={y(tick) + 4} text-anchor="end">
              {numbers.onAxis(tick, top)}
            </text>
          </g>
        ))}
        {backBars.length > 0 && <path class="behind" d={outlineOf(backBars, x, y)} />}
        {bars.map((bar) => {
          const [left, right] = [x(bar.from), x(bar.to)];
          const cut = Math.min(right, Math.max(left, line));
          const base = { y: y(bar.count), height: Math.max(bar.count === 0 ? 0 : 1, y(0) - y(bar.count)) };
          return (
            <g key={bar.from} class={bar.from === hovered?.from ? 'hovered' : undefined}>
              {cut > left && <rect class="fails" x={left} width={Math.max(0, cut - left - 0.75)} {...base} />}
              {cut < right && <rect class="passes" x={cut} width={Math.max(0.5, right - cut - 0.75)} {...base} />}
            </g>
          );
        })}
        {scoreTicks(range).map((tick) => (
          <text key={tick} class="axis" x={x(tick)} y={height - 8} text-anchor="middle">
            {tick}
          </text>
        ))}
        <line class="line" x1={line} x2={line} y1={margin.top - 6} y2={y(0)} />
      </svg>
      {children}
      <p class="chart-note fine soft">
        {hovered === undefined
          ? `${axisWords}${cutOffWords(cutOff)}${cutOffBehindWords(cutOffBehind, total)}`
          : barWords(hovered, histogram)}
      </p>
    </div>
  );
}

function outlineOf(bars: readonly Bar[], x: (score: number) => number, y: (count: number) => number): string {
  const steps = bars.map(({ from, to, count }) => `L${x(from)} ${y(count)}L${x(to)} ${y(count)}`);
  return `M${x(bars[0]?.from ?? 0)} ${y(0)}${steps.join('')}L${x(bars.at(-1)?.to ?? 0)} ${y(0)}Z`;
}

const axisWords = 'Pairs by score. Click a bar, drag the line, or use the slider.';

const cutOffWords = (bar: Bar | undefined): string =>
  bar === undefined ? '' : ` The bar from ${rangeOfBar(bar)} is cut off: it has ${numbers.counted(bar.count, 'pair')}.`;

const cutOffBehindWords = (bar: Bar | undefined, total: number): string =>
  bar === undefined
    ? ''
    : ` The outline of the wrong pairs is cut off from ${rangeOfBar(bar)}: ${numbers.percent(bar.count / total)} of them are there.`;

const rangeOfBar = ({ from, to }: Bar): string => `${numbers.points(from)} to ${numbers.points(to)}`;

function barWords(bar: Bar, histogram: Histogram): string {
  const { count } = countPassing(histogram, bar.from);
  return `${rangeOfBar(bar)}: ${numbers.counted(bar.count, 'pair')}. ${numbers.count(count)} ${reachWord(count)} ${numbers.points(bar.from)}.`;
}
