import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Instrument, instruments } from '../../../shared/telemetry/instruments.ts';
import { dashboards, metricsIn, panelQueries, rules } from '../../support/dashboards.ts';
import { promtool, promtoolPath } from '../../support/prometheus.ts';

const recorded = new Set(rules.flatMap(({ record }) => record ?? []));
const told = new Set(
  Object.entries<Instrument>(instruments).flatMap(([name, { type }]) =>
    type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  ),
);
const isKnown = (metric: string) => recorded.has(metric) || told.has(metric) || /^(up$|nodejs_|process_)/.test(metric);
const unknownIn = (query: string) => metricsIn(query).filter((metric) => !isKnown(metric));

const runbooks = new URL('../../../docs/runbooks/', import.meta.url);
const alerts = rules.filter(({ alert }) => alert !== undefined);

describe('dashboards', () => {
  test('are five, with ids that stay, and panels that have theirs each', () => {
    const uids = ['vls-batches', 'vls-models', 'vls-queue', 'vls-service', 'vls-traffic'];
    expect(dashboards.map(({ uid }) => uid).sort()).toEqual(uids);
    for (const { file, panels } of dashboards) {
      expect(new Set(panels.map(({ id }) => id)).size, file).toBe(panels.length);
    }
  });

  test('ask the two data sources that are provisioned, and no other', () => {
    const provisioned = readFileSync(
      new URL('../../../deploy/grafana/provisioning/datasources/datasources.yml', import.meta.url),
      'utf8',
    );
    for (const { file, panels } of dashboards) {
      for (const { datasource, targets = [] } of panels) {
        for (const { uid } of [...(datasource ? [datasource] : []), ...targets.map((target) => target.datasource)]) {
          expect(provisioned, file).toContain(`uid: ${uid}\n`);
        }
      }
    }
  });

  test('ask for metrics that there are', () => {
    expect(panelQueries.length).toBeGreaterThan(60);
    for (const { where, query } of panelQueries) expect(unknownIn(query), where).toEqual([]);
    for (const { file, templating } of dashboards) {
      for (const { definition } of templating.list) expect(unknownIn(definition), file).toEqual([]);
    }
  });

  test('show every metric of the service, by itself or by a rule', () => {
    const shown = new Set(
      [...panelQueries.map(({ query }) => query), ...rules.map(({ expr }) => expr)].flatMap(metricsIn),
    );
    const missing = Object.keys(instruments).filter(
      (name) => !['', '_bucket', '_sum', '_count'].some((suffix) => shown.has(name + suffix)),
    );
    expect(missing).toEqual([]);
  });
});

describe('rules', () => {
  test('are made of metrics that there are, and recording rules are named vls:…', () => {
    for (const { record, alert, expr } of rules) {
      expect(unknownIn(expr), record ?? alert).toEqual([]);
      if (record !== undefined) expect(record).toMatch(/^vls:[a-z_]+:[a-z0-9_]+$/);
    }
  });

  test('that alert say how bad it is, what it is, and have a page that says what to do', () => {
    expect(readdirSync(runbooks).sort()).toEqual(alerts.map(({ alert }) => `${alert}.md`).sort());
    for (const { alert, labels, annotations } of alerts) {
      expect(['critical', 'warning'], alert).toContain(labels?.['severity']);
      expect(annotations?.['summary'], alert).toMatch(/^[A-Z]/);
      expect(annotations?.['runbook']).toBe(`docs/runbooks/${alert}.md`);
      expect(existsSync(new URL(`../../../${annotations?.['runbook']}`, import.meta.url)), alert).toBe(true);
    }
  });

  test('that alert each have a case among the rules’ tests', () => {
    const cases = readFileSync(new URL('../../../dashboards/tests/rules.test.yml', import.meta.url), 'utf8');
    for (const { alert } of alerts) expect(cases).toContain(`- name: ${alert}\n`);
  });

  test.skipIf(promtoolPath === undefined)('pass promtool, which is in the Debian package prometheus', () => {
    expect(promtool('check', 'rules', 'recording.rules.yml', 'alerts.rules.yml')).toMatchObject({ ok: true });
    expect(promtool('test', 'rules', 'tests/rules.test.yml')).toMatchObject({ ok: true });
  });
});

test('dashboards, alerts and deployment name `vls`, because `npx vls` outside a checkout runs a package of others', () => {
  const root = new URL('../../../', import.meta.url);
  const files = ['dashboards', 'deploy'].flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => `${parentPath}/${name}`),
  );
  expect(files.length).toBeGreaterThan(20);
  expect(files.filter((file) => readFileSync(file, 'utf8').includes('npx vls'))).toEqual([]);
});
