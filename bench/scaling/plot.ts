import { horizons } from '../../testing/scaling/demand.ts';
import type { Sample } from '../../testing/scaling/simulation.ts';
import { worker } from './scenarios.ts';

/** Draws load, workers and backlog of a scenario over time as SVG. */
export function plotOf(title: string, samples: readonly Sample[]): string {
  const line = (of: (sample: Sample) => number) => samples.map((sample) => ({ x: sample.at, y: of(sample) }));
  return panels(title, 'seconds', [
    {
      title: 'items a second',
      lines: [
        { name: 'posted', colour: '#1b6ca8', points: line(({ postedPerSecond }) => postedPerSecond) },
        {
          name: 'capacity of the ready workers',
          colour: '#4b8b3b',
          points: line(({ ready }) => ready * worker.itemsPerSecond),
        },
      ],
    },
    {
      title: 'workers',
      lines: [
        { name: 'ordered', colour: '#b8651b', points: line(({ ordered }) => ordered) },
        { name: 'ready', colour: '#4b8b3b', points: line(({ ready }) => ready) },
      ],
    },
    {
      title: 'backlog in seconds',
      lines: [{ name: 'backlog', colour: '#8b3b6b', points: line(({ backlogSeconds }) => backlogSeconds) }],
      bound: { name: 'target', y: horizons.cpu.targetSeconds },
    },
  ]);
}

interface Line {
  name: string;
  colour: string;
  points: readonly { x: number; y: number }[];
}

/** One chart of a plot. Its vertical axis starts at zero. */
interface Panel {
  title: string;
  lines: readonly Line[];
  bound?: { name: string; y: number };
}

const left = 50;
const width = 640;
const height = 110;
const gap = 42;

/** Draws charts below one another with a common time axis. A line is horizontal from each sample to the next. */
function panels(title: string, unit: string, all: readonly Panel[]): string {
  const xs = all.flatMap(({ lines }) => lines.flatMap(({ points }) => points.map(({ x }) => x)));
  const longest = Math.max(1, ...xs);
  const across = (x: number) => round(left + (x / longest) * width);
  const drawn = all.map((panel, at) => draw(panel, 30 + at * (height + gap), across));
  const bottom = 30 + all.length * (height + gap);
  const ticks = ticksUpTo(longest).map(
    (x) => `<text x="${across(x)}" y="${bottom - gap + 28}" text-anchor="middle">${x}</text>`,
  );
  const axis = `<text x="${left + width + 8}" y="${bottom - gap + 28}">${unit}</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${left + width + 80} ${bottom + 4}" font-family="sans-serif" font-size="11"><title>${title}</title><rect width="100%" height="100%" fill="#fff"/><text x="4" y="16">${title}</text>${[...drawn, ...ticks, axis].join('')}</svg>\n`;
}

function draw({ title, lines, bound }: Panel, top: number, across: (x: number) => number): string {
  const highest = Math.max(1, bound?.y ?? 0, ...lines.flatMap(({ points }) => points.map(({ y }) => y)));
  const up = (y: number) => round(top + 14 + height * (1 - y / highest));
  const grid = ticksUpTo(highest).map(
    (y) =>
      `<line x1="${left}" x2="${left + width}" y1="${up(y)}" y2="${up(y)}" stroke="#ddd"/><text x="${left - 4}" y="${up(y) + 4}" text-anchor="end">${y.toLocaleString('en')}</text>`,
  );
  const paths = lines.map(({ colour, points }) => {
    const steps = points.map(({ x, y }, at) => `${at === 0 ? `M${across(x)} ` : `H${across(x)}V`}${up(y)}`);
    return `<path d="${steps.join('')}" fill="none" stroke="${colour}" stroke-width="1.5"/>`;
  });
  const entries = [
    ...lines.map(({ name, colour }) => ({ name, colour })),
    ...(bound === undefined ? [] : [{ name: bound.name, colour: '#c0392b' }]),
  ];
  const legend = entries.map(({ name, colour }) => `<tspan fill="${colour}" dx="10">${name}</tspan>`);
  const head = `<text x="${left}" y="${top + 6}">${title}${legend.join('')}</text>`;
  return [
    head,
    ...grid,
    ...paths,
    bound &&
      `<line x1="${left}" x2="${left + width}" y1="${up(bound.y)}" y2="${up(bound.y)}" stroke="#c0392b" stroke-dasharray="3 2"/>`,
  ].join('');
}

const round = (value: number) => Math.round(value * 10) / 10;

/** Returns about three to six round numbers from zero to `highest`. */
function ticksUpTo(highest: number): number[] {
  const rough = highest / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  return Array.from({ length: Math.floor(highest / step) + 1 }, (_, at) => Number((at * step).toPrecision(6)));
}
