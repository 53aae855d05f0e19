export interface MetricLine {
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

/** Parses the metrics of Prometheus' text format whose name begins with one of the prefixes. */
export function metricLines(text: string, prefixes: readonly string[]): MetricLine[] {
  const lines: MetricLine[] = [];
  for (const line of text.split('\n')) {
    if (!prefixes.some((prefix) => line.startsWith(prefix))) continue;
    const [, name = '', labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === '') continue;
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
    lines.push({ name, labels: Object.fromEntries(pairs.map(([, key, of]) => [key, of])), value: Number(value) });
  }
  return lines;
}
