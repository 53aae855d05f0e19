import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { demand, demandQuery, horizons } from '../../../testing/scaling/demand.ts';
import { promtool, promtoolPath } from '../../support/prometheus.ts';

if (promtoolPath === undefined) console.log('Skipped: what Prometheus makes of the demand, as promtool is not there.');

const directory = mkdtempSync(join(tmpdir(), 'vls-demand-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/**
 * Two APIs. Each accepts half of the items, half of those by the name of the model, and both report what is in Redis.
 */
const cases = [
  { name: 'rising', postedPerSecond: 200, pending: 12_000, growthPerSecond: 80 },
  { name: 'falling', postedPerSecond: 200, pending: 600, growthPerSecond: -300 },
  { name: 'idle', postedPerSecond: 0, pending: 0, growthPerSecond: 0 },
];

test.skipIf(promtoolPath === undefined).each(['cpu', 'gpu'] as const)(
  'Prometheus comes to the same demand as the simulation, on a %s',
  (device) => {
    const horizon = horizons[device];
    const rules = cases.map(({ name }) => ({ record: `demand:${name}`, expr: demandQuery(name, horizon) }));
    writeFileSync(join(directory, 'rules.yml'), stringify({ groups: [{ name: 'demand', rules }] }));
    const series = cases.flatMap(({ name, postedPerSecond, pending, growthPerSecond }) =>
      ['a', 'b'].flatMap((instance) =>
        [name, 'its-model'].flatMap((profile) => [
          {
            series: `vls_items_posted_total{queue="${name}",profile="${profile}",instance="${instance}"}`,
            values: `0+${(postedPerSecond * 15) / 4}x40`,
          },
          {
            series: `vls_items_pending{queue="${name}",profile="${profile}",instance="${instance}"}`,
            // 40 scrapes before the evaluation.
            values: `${pending / 2 - 20 * 15 * growthPerSecond}${growthPerSecond < 0 ? '' : '+'}${7.5 * growthPerSecond}x40`,
          },
        ]),
      ),
    );
    const expected = cases.map(({ name, ...signals }) => ({
      expr: `demand:${name}`,
      eval_time: '10m',
      exp_samples: [{ labels: `demand:${name}`, value: demand(signals, horizon) }],
    }));
    const tests = [{ interval: '15s', input_series: series, promql_expr_test: expected }];
    const file = join(directory, 'tests.yml');
    writeFileSync(file, stringify({ rule_files: ['rules.yml'], evaluation_interval: '15s', tests }));
    expect(promtool('test', 'rules', file)).toMatchObject({ ok: true });
  },
);
