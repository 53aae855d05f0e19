import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { type Code, codeNames } from './errors.ts';
import {
  type CounterName,
  type HistogramName,
  type Instrument,
  type InstrumentName,
  instruments,
  type LabelsOf,
} from './telemetry/instruments.ts';
import { createReaders, type Reader, type Reading } from './telemetry/readings.ts';
import { version } from './version.ts';

export type Mode = 'single' | 'batch';
export type Stage = 'fetch' | 'queue_wait' | 'decode' | 'inference' | 'commit';

/** The metrics of one process, as listed in `telemetry/instruments.ts`. */
export interface Metrics {
  /** Returns all metrics in Prometheus' text format. Never rejects: values that cannot be read are left out. */
  text(): Promise<string>;
  readonly contentType: string;
  count<Name extends CounterName>(name: Name, labels: LabelsOf<Name>, by?: number): void;
  observe<Name extends HistogramName>(name: Name, labels: LabelsOf<Name>, value: number): void;
  /**
   * Creates a series (a metric with one combination of label values) with the value 0. Otherwise Prometheus' `rate`
   * does not count its first event.
   */
  begin<Name extends CounterName | HistogramName>(name: Name, labels: LabelsOf<Name>): void;
  /** Adds a function that each scrape calls for values that are stored elsewhere. */
  onScrape(reader: Reader): void;
  /** Records an HTTP request by its route pattern, never the raw path. */
  request(labels: { method: string; route: string; status: number }, seconds: number): void;
  /** `code` is empty for items that succeeded. */
  items(labels: { mode: Mode; outcome: 'succeeded' | 'failed'; code: string }, count: number): void;
  posted(labels: Record<'queue' | 'profile', string>, items: number): void;
  stage(stage: Stage, mode: Mode, seconds: number): void;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const counters = new Map<InstrumentName, Counter>();
  const histograms = new Map<InstrumentName, Histogram>();
  for (const [name, instrument] of Object.entries(instruments) as [InstrumentName, Instrument][]) {
    const { labels, help, type, buckets, isReadAtScrape } = instrument;
    const options = { name, help, labelNames: [...labels], registers: [registry] };
    if (type === 'histogram') histograms.set(name, new Histogram({ ...options, buckets: [...(buckets ?? [])] }));
    else if (type === 'counter' && !isReadAtScrape) counters.set(name, new Counter(options));
  }
  const readers = createReaders();
  readers.add({ read: () => [{ name: 'vls_build_info', labels: { version }, value: 1 }] });
  const metrics: Metrics = {
    async text() {
      const read = await readers.read();
      return `${await registry.metrics()}${await textOf(read)}`;
    },
    contentType: registry.contentType,
    count: (name, labels, by = 1) => counters.get(name)?.inc(labels, by),
    observe: (name, labels, value) => histograms.get(name)?.observe(labels, value),
    begin(name, labels) {
      counters.get(name)?.inc(labels, 0);
      histograms.get(name)?.zero(labels);
    },
    onScrape: (reader) => readers.add(reader),
    request: ({ method, route, status }, seconds) =>
      metrics.observe('vls_http_request_duration_seconds', { method, route, status: String(status) }, seconds),
    posted: (labels, items) => metrics.count('vls_items_posted_total', labels, items),
    items: (labels, count) => metrics.count('vls_items_total', labels, count),
    stage: (stage, mode, seconds) => metrics.observe('vls_stage_duration_seconds', { stage, mode }, seconds),
  };
  for (const mode of ['single', 'batch'] satisfies Mode[]) {
    metrics.begin('vls_items_total', { mode, outcome: 'succeeded', code: '' });
    for (const code of itemCodes) metrics.begin('vls_items_total', { mode, outcome: 'failed', code });
  }
  for (const code of retriedCodes) metrics.begin('vls_fetch_retries_total', { code });
  return metrics;
}

/** Error codes that a single item may have. Others fail the whole request. */
const itemCodes = codeNames.filter((code) => /^(image|text|item|internal|model\.unavailable)/.test(code));

/** Error codes after which a download is retried. */
const retriedCodes = ['image.fetch.unavailable', 'image.fetch.network'] satisfies Code[];

/** Formats metric values for Prometheus. A new registry per scrape lets series that no longer exist disappear. */
async function textOf(readings: readonly Reading[]): Promise<string> {
  const registry = new Registry();
  const made = new Map<InstrumentName, Counter | Gauge>();
  for (const { name, labels, value } of readings) {
    let metric = made.get(name);
    if (metric === undefined) {
      const { help, type, labels: labelNames }: Instrument = instruments[name];
      const options = { name, help, labelNames: [...labelNames], registers: [registry] };
      metric = type === 'counter' ? new Counter(options) : new Gauge(options);
      made.set(name, metric);
    }
    metric.inc(labels, value);
  }
  return await registry.metrics();
}
