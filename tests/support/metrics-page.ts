import { type Instrument, instruments } from '../../shared/telemetry/instruments.ts';

/** The row that docs/metrics.md has for each metric. */
export const metricRows = (): string[] =>
  Object.entries<Instrument>(instruments).map(([name, { type, from, labels, help }]) => {
    const labelled = labels.length === 0 ? '' : labels.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${type} | ${labelled} | ${from} | ${help} |`;
  });
