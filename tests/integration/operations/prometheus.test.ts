import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Instrument, instruments } from '../../../shared/telemetry/instruments.ts';
import { type Client, createClient } from '../../../testing/client.ts';
import { type ImageHost, photoNames, startImageHost } from '../../../testing/images/host.ts';
import { startProcess, type TestProcess } from '../../../testing/processes/service.ts';
import { startRedis, type TestRedis } from '../../../testing/redis/single.ts';
import { until } from '../../../testing/until.ts';
import { dashboards, metricsIn, panelQueries, rules } from '../../support/dashboards.ts';
import { type Prometheus, prometheusPath, startPrometheus } from '../../support/prometheus.ts';
import { createSharedProfile } from '../../support/shared-profile.ts';

const absent = prometheusPath === undefined;
if (absent) process.stdout.write('Skipped: there is no prometheus on the PATH (Debian package prometheus)\n');

/** Panels that may be empty although everything works. */
const maybeEmpty = new Map([['vls: service: Latest traces', 'comes from Jaeger, which this test does not run']]);

const profile = createSharedProfile();
let redis: TestRedis;
let host: ImageHost;
let api: TestProcess;
let worker: TestProcess;
let client: Client;
let prometheus: Prometheus;

describe.skipIf(absent)('a real Prometheus that scrapes API and worker while a batch with failures runs', () => {
  beforeAll(async () => {
    [redis, host] = await Promise.all([startRedis(), startImageHost()]);
    const env = {
      REDIS_URL: redis.url,
      IMAGE_HOSTS_ALLOW: host.authority,
      MODELS_FILE: profile.path,
      ENCODERS: '1',
      LOG_LEVEL: 'error',
    };
    [api, worker] = await Promise.all([startProcess('api', env), startProcess('worker', env)]);
    client = createClient(api.url);
    prometheus = await startPrometheus({
      api: { authority: new URL(api.url).host, path: '/evaluator/metrics' },
      worker: { authority: new URL(worker.url).host, path: '/metrics' },
    });
    // A rate needs a value before what it is the rate of.
    await until(async () => (await prometheus.count('count_over_time(vls_build_info[1m]) > 1')) === 2);
    await work();
  });
  afterAll(async () => {
    await prometheus?.stop();
    await Promise.all([api?.stop(), worker?.stop()]);
    await Promise.all([redis?.remove(), host?.close()]);
    profile.remove();
  });

  /** Everything that a metric tells of: pairs and items that succeed and fail, a cache that helps, a host that is busy. */
  async function work(): Promise<void> {
    const image = host.url('coffee.jpg');
    expect((await client.single({ image, text: 'a cup of coffee' })).status).toBe(200);
    expect((await client.single({ image, text: 'a cup of coffee' })).status).toBe(200);
    expect((await client.single({ image: host.url('missing.jpg'), text: 'nothing' })).status).toBe(422);
    host.failing = true;
    const names = [...photoNames, 'missing.jpg', 'truncated.jpg', 'later/rocket.jpg', ...photoNames];
    const { body } = await client.batch.post(names.map((name) => ({ image: host.url(name), text: 'a photo' })));
    expect(await client.batch.finished(body.id)).toMatchObject({
      state: 'completed_with_errors',
      items: { failed: 3 },
    });
    await workShared();
  }

  /** Models that share a profile, each with half of the images: by single pairs in the API, by a batch in the worker. */
  async function workShared(): Promise<void> {
    // The first request does not wait for Redis to report the phase of the canary.
    await client.call('/v1/traffic');
    const pairs = Array.from({ length: 48 }, (_, at) => ({ image: host.url(`coffee.jpg?${at}`), text: 'a photo' }));
    for (const pair of pairs.slice(0, 12)) {
      expect((await client.single({ ...pair, model: 'shared' })).status).toBe(200);
    }
    const { body } = await client.batch.post([...pairs, { image: host.url('truncated.jpg'), text: 'a photo' }], {
      model: 'shared',
    });
    expect(await client.batch.finished(body.id)).toMatchObject({ items: { failed: 1 } });
  }

  test('every panel of every dashboard has something to show', async () => {
    const empty = new Map(panelQueries.map(({ where, query }) => [query, where]));
    await until(async () => {
      for (const query of [...empty.keys()]) if ((await prometheus.count(query)) > 0) empty.delete(query);
      expect([...empty].map(([query, where]) => `${where}: ${query}`)).toEqual([]);
    });
    const unasked = dashboards.flatMap(({ title, panels }) =>
      panels
        .filter(({ type, targets = [] }) => type !== 'row' && targets.every(({ expr }) => expr === undefined))
        .map((panel) => `${title}: ${panel.title}`),
    );
    expect(unasked).toEqual([...maybeEmpty.keys()]);
  });

  test('every choice of a dashboard has values, and its alerts can be asked for', async () => {
    for (const { templating, annotations } of dashboards) {
      for (const { definition } of templating.list) {
        const [, metric = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(definition) ?? [];
        expect(await prometheus.count(`count by (${label}) (${metric})`), definition).toBeGreaterThan(0);
      }
      for (const { expr } of annotations.list) await prometheus.count(expr);
    }
  });

  test('every recording rule has a value, and no rule is in error', async () => {
    const live = await prometheus.rules();
    expect(live).toHaveLength(rules.length);
    expect(live.filter(({ health }) => health !== 'ok')).toEqual([]);
    for (const { record } of rules) {
      if (record !== undefined) expect(await prometheus.count(record), record).toBeGreaterThan(0);
    }
  });

  test('no alert fires, and each is made of metrics that have values', async () => {
    const live = await prometheus.rules();
    expect(live.filter(({ state }) => state === 'firing').map(({ name }) => name)).toEqual([]);
    // The expression of an alert has results only when it fires, so its metrics are checked instead.
    for (const { alert, expr } of rules) {
      if (alert === undefined) continue;
      for (const metric of metricsIn(expr))
        expect(await prometheus.count(metric), `${alert}: ${metric}`).toBeGreaterThan(0);
    }
  });

  test('each listed metric is reported by the listed processes, and there are no others', async () => {
    const scrape = async (url: string) => await (await fetch(url)).text();
    const texts = { api: await scrape(`${api.url}/evaluator/metrics`), worker: await scrape(`${worker.url}/metrics`) };
    const samplesOf = (text: string) =>
      new Set([...text.matchAll(/^([a-z_]+)(?:\{.*\})? \S+$/gm)].map(([, name]) => name));
    const samples = { api: samplesOf(texts.api), worker: samplesOf(texts.worker) };
    for (const [name, { type, from }] of Object.entries<Instrument>(instruments)) {
      const sample = type === 'histogram' ? `${name}_count` : name;
      if (from !== 'worker') expect(samples.api, `api: ${name}`).toContain(sample);
      if (from !== 'api') expect(samples.worker, `worker: ${name}`).toContain(sample);
    }
    const names = [...texts.api.matchAll(/^# TYPE (vls\w+)/gm), ...texts.worker.matchAll(/^# TYPE (vls\w+)/gm)];
    for (const [, name = ''] of names) expect(Object.keys(instruments)).toContain(name);
  });

  test('the number of series stays small, whatever paths are asked for', async () => {
    const before = await series();
    for (let at = 0; at < 50; at++) await client.call(`/v1/evaluation/batch/${at}`);
    for (let at = 0; at < 50; at++) await client.call(`/no/such/${at}`);
    // One route and status for each of the two: a dozen buckets, a sum and a count.
    expect((await series()) - before).toBeLessThan(2 * 20);
    expect(before).toBeLessThan(1_000);
  });
  const series = async () => {
    const text = await (await fetch(`${api.url}/evaluator/metrics`)).text();
    return text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
  };
});
