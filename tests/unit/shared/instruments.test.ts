import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Instrument, instruments } from '../../../shared/telemetry/instruments.ts';
import { metricRows } from '../../support/metrics-page.ts';

const all = Object.entries<Instrument>(instruments);
const page = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');

describe('the list of metrics', () => {
  test('has every row of docs/metrics.md, and docs/metrics.md has no other', () => {
    expect(page.split('\n').filter((line) => line.startsWith('| `vls_'))).toEqual(metricRows());
  });

  test('follows the conventions of Prometheus: base units, counters in _total, nothing else in it', () => {
    for (const [name, { type, help }] of all) {
      expect(name).toMatch(/^vls(_[a-z]+)+$/);
      expect(name.endsWith('_total'), name).toBe(type === 'counter');
      expect(name, name).not.toMatch(/_(ms|milliseconds|kb|mb|percent)(_|$)/);
      expect(help, name).toMatch(/^[A-Z1].*[^.]$/);
    }
  });

  test('has buckets that rise, for histograms alone', () => {
    for (const [name, { type, buckets = [] }] of all) {
      expect(buckets.length > 0, name).toBe(type === 'histogram');
      expect(buckets, name).toEqual([...buckets].sort((a, b) => a - b));
    }
  });

  test('has no label that grows with what people send', () => {
    const bounded = ['version', 'method', 'route', 'status', 'mode', 'outcome', 'code', 'stage', 'input', 'result'];
    const known = new Set([
      ...bounded,
      'model',
      'state',
      'queue',
      'profile',
      'verdict',
      'role',
      'kind',
      'candidate',
      'phase',
      'fault',
    ]);
    for (const [name, { labels }] of all) for (const label of labels) expect(known, name).toContain(label);
  });
});
