import { dashed, svg } from '../plots/svg.ts';
import type { Measured, Verdict } from './run.ts';

const round = (value: number): string => (value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3))));

/** One line a scenario, then one a threshold. */
export function table(results: readonly Measured[]): string {
  const rows = results.map(({ scenario, requestsPerSecond, latencyMs, errorShare, batches }) => [
    scenario,
    round(requestsPerSecond),
    round(latencyMs.p50),
    round(latencyMs.p90),
    round(latencyMs.p99),
    `${round(errorShare * 100)} %`,
    batches === undefined ? '' : round(batches.p50Seconds),
    batches === undefined ? '' : round(batches.itemsPerSecond),
  ]);
  const head = ['scenario', 'requests/s', 'p50 ms', 'p90 ms', 'p99 ms', 'errors', 'batch p50 s', 'items/s'];
  const verdicts = results.flatMap(({ scenario, verdicts: all }) =>
    all.map((verdict) => verdictRow(scenario, verdict)),
  );
  return `${columns([head, ...rows])}\n\n${columns([['', 'threshold', 'bound', 'measured', 'scenario'], ...verdicts])}\n`;
}

const verdictRow = (scenario: string, { threshold, bound, value, passed }: Verdict): string[] => [
  passed ? 'pass' : 'FAIL',
  threshold,
  `<= ${bound}`,
  value === null ? 'none' : round(value),
  scenario,
];

function columns(rows: readonly string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const bar = { height: 16, gap: 6 };
const left = 130;
const width = 480;
const shades = { p50: '#1b6ca8', p90: '#4fa3d8', p99: '#a9d3ee' } as const;
const percentiles = ['p50', 'p90', 'p99'] as const;

/** Latency of each scenario at three percentiles, and its bound for p99 as a line. */
export function plot(results: readonly Measured[]): string {
  const boundOf = (result: Measured) => result.verdicts.find(({ threshold }) => threshold === 'p99Ms')?.bound ?? 0;
  const longest = Math.max(1, ...results.flatMap((result) => [result.latencyMs.p99, boundOf(result)]));
  const scale = (ms: number) => Math.round((ms / longest) * width);
  const block = percentiles.length * bar.height + 3 * bar.gap;
  const parts = results.map((result, index) => {
    const top = 30 + index * block;
    const bars = percentiles.map((percentile, row) => {
      const y = top + row * bar.height;
      const ms = result.latencyMs[percentile];
      return `<rect x="${left}" y="${y}" width="${scale(ms)}" height="${bar.height - 2}" fill="${shades[percentile]}"/><text x="${left + scale(ms) + 4}" y="${y + 11}">${percentile} ${round(ms)}</text>`;
    });
    const bound = left + scale(boundOf(result));
    const line = dashed(bound, top - 3, bound, top + 3 * bar.height);
    return `<text x="4" y="${top + 27}">${result.scenario}</text>${bars.join('')}${line}`;
  });
  const height = 30 + results.length * block;
  return svg(left + width + 90, height, 'Latency in ms; the dashed line is the bound for p99', parts);
}
