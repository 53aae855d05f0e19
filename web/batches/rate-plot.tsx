import { useEffect, useMemo, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { themeChanged } from '../shell/theme.ts';
import * as numbers from '../ui/numbers.ts';
import { ratesOf, type Sample } from './progress-samples.ts';

const height = 180;

export function RatePlot({ samples }: { samples: readonly Sample[] }) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const { seconds, rates } = useMemo(() => ratesOf(samples), [samples]);
  const last = rates.at(-1);

  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const made = new uPlot(optionsFor(element.clientWidth), [[], []], element);
    plot.current = made;
    const resized = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    resized.observe(element);
    const redraw = () => made.redraw(false);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', redraw);
    addEventListener(themeChanged, redraw);
    return () => {
      resized.disconnect();
      dark.removeEventListener('change', redraw);
      removeEventListener(themeChanged, redraw);
      made.destroy();
    };
  }, []);
  useEffect(() => plot.current?.setData([seconds, rates]), [seconds, rates]);

  const words =
    last === undefined ? 'no rate yet' : `now ${numbers.rate(last)}, highest ${numbers.rate(Math.max(...rates))}`;
  return <div ref={box} class="plot" role="img" aria-label={`Items per second over time: ${words}`} />;
}

function optionsFor(width: number): uPlot.Options {
  const axis = {
    stroke: paint('--soft'),
    grid: { stroke: paint('--line'), width: 1 },
    ticks: { show: false },
    font: `12px ${getComputedStyle(document.body).fontFamily}`,
  };
  return {
    width,
    height,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, range: (_plot, _min, max) => [0, Math.max(1, max)] },
      y: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.15)] },
    },
    axes: [
      { ...axis, values: (_plot, ticks) => ticks.map((tick) => clock(tick)), space: 70, size: 30 },
      { ...axis, values: (_plot, ticks) => ticks.map((tick) => numbers.count(tick)), size: 56 },
    ],
    series: [{}, { stroke: paint('--accent'), width: 2, fill: paint('--accent-wash'), points: { show: false } }],
  };
}

/** Returns a function that reads a colour of the theme at each draw, because CSS does not apply to a canvas. */
function paint(name: string): () => string {
  return () => {
    const probe = document.createElement('span');
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  };
}

const clock = (seconds: number): string =>
  seconds < 120 ? `${Number(seconds.toFixed(1))} s` : numbers.duration(seconds).replace(/ 0\s(s|min|h)$/, '');
